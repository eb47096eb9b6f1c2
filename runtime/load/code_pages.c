#define _GNU_SOURCE
#include "load/code_pages.h"
#include "state/system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/die.h"
#include "state/descriptor.h"

static __attribute__((noreturn)) void fail(void)
{
    ia2_die("cannot change the code of a library (%s)", strerrorname_np(errno));
}

void ia2_code_pages_begin(struct ia2_code_pages *pages)
{
    pages->fd = -1;
    pages->current = -1;
    pages->count = 0;
}

static void put_back(struct ia2_code_pages *pages)
{
    if (pages->current >= 0 &&
        pwrite(pages->fd, pages->bytes, IA2_PAGE, pages->current * (off_t)IA2_PAGE) != IA2_PAGE)
        fail();
    pages->current = -1;
}

/* Makes `bytes` the copy of the page at \a page. */
static void take(struct ia2_code_pages *pages, uintptr_t page)
{
    unsigned i = pages->count;
    if (pages->current >= 0 && pages->page[pages->current] == page)
        return;
    put_back(pages);
    while (i && pages->page[i - 1] != page)
        i--;
    if (i) {
        if (pread(pages->fd, pages->bytes, IA2_PAGE, (i - 1) * (off_t)IA2_PAGE) != IA2_PAGE)
            fail();
        pages->current = (int)i - 1;
        return;
    }
    if (pages->count == IA2_CODE_PAGES)
        ia2_code_pages_end(pages);
    if (pages->fd < 0)
        pages->fd = memfd_create("ia2-code", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (pages->fd < 0)
        fail();
    memcpy(pages->bytes, (const void *)page, IA2_PAGE);
    pages->current = (int)pages->count;
    pages->page[pages->count++] = page;
}

void ia2_code_pages_change(struct ia2_code_pages *pages, const void *at, const void *bytes,
                           size_t size)
{
    uintptr_t to = (uintptr_t)at;
    const unsigned char *from = bytes;
    while (size) {
        size_t offset = to % IA2_PAGE, part = size < IA2_PAGE - offset ? size : IA2_PAGE - offset;
        take(pages, to - offset);
        memcpy(pages->bytes + offset, from, part);
        to += part;
        from += part;
        size -= part;
    }
}

void ia2_code_pages_end(struct ia2_code_pages *pages)
{
    put_back(pages);
    if (pages->fd >= 0 &&
        fcntl(pages->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        fail();
    for (unsigned i = 0, n; i < pages->count; i += n) { /* neighbours by one call */
        n = 1;
        while (i + n < pages->count && pages->page[i + n] == pages->page[i] + n * IA2_PAGE)
            n++;
        if (ia2_sys_map((void *)pages->page[i], n * IA2_PAGE, PROT_READ | PROT_EXEC,
                        MAP_PRIVATE | MAP_FIXED, pages->fd, i * (off_t)IA2_PAGE) < 0)
            fail();
    }
    if (pages->fd >= 0)
        close(pages->fd);
    ia2_code_pages_begin(pages);
}
