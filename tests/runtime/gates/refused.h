#ifndef REFUSED_H
#define REFUSED_H
int touch(void);
#endif
