#ifndef RSEQ_LIB_H
#define RSEQ_LIB_H
int touch(void);
#endif
