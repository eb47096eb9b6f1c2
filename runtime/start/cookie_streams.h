/* Streams of fopencookie(): the functions of such a stream run in the compartment that made it, and
 * in no other.
 *
 * libc keeps the functions in the stream, under key 0, and calls them with the rights of whoever
 * uses the stream. A second copy is kept in memory of the compartment that made the stream, and the
 * code of libc that would call the functions asks the runtime. Only this copy counts. A compartment
 * that uses another one's stream ends the process, in words.
 *
 * Rejected: to run the functions in their own compartment when another one uses the stream. They
 * would get the buffers of stdio there, and what they are given to read or write is the memory of
 * whoever uses the stream, which their compartment cannot read. No program can have relied on it:
 * the functions could not reach their own memory. */
#ifndef IA2_COOKIE_STREAMS_H
#define IA2_COOKIE_STREAMS_H

#include <stdio.h>

struct ia2_code_pages;

/* From here on the above holds. Notes changes of code in \a pages. Call it once, before code of a
 * compartment runs and while there is one thread. Ends the process, in words, if libc is not as it
 * is known to be. */
void ia2_cookie_streams_start(struct ia2_code_pages *pages);

/* fopencookie(), which the compartments call by this name. As fopencookie(); the stream is the
 * calling compartment's. Before start-up it is that of the code that calls. EMFILE: the compartment
 * has hundreds. Thread-safe, not async-signal-safe. */
FILE *ia2_cookie_stream(void *cookie, const char *mode, cookie_io_functions_t functions);

/* Writes out what is in the buffers of the streams that the calling compartment made. Any thread,
 * not async-signal-safe. */
void ia2_cookie_streams_flush(void);

#endif
