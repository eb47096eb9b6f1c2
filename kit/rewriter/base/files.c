#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/intern.h"

char *read_whole(const char *path, size_t *size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0)
        return NULL;
    char *const data = fstat(fd, &status) || !S_ISREG(status.st_mode)
                           ? NULL
                           : must_realloc(NULL, (size_t)status.st_size + 1);
    for (*size = 0; data && *size < (size_t)status.st_size;) {
        const ssize_t got = read(fd, data + *size, (size_t)status.st_size - *size);
        if (got <= 0)
            break;
        *size += (size_t)got;
    }
    close(fd);
    if (data)
        data[*size] = 0;
    return data;
}

bool write_whole(const char *path, const void *data, size_t size)
{
    static atomic_uint number;
    const char *const temporary =
        intern_format("%s.%ld.%u.tmp", path, (long)getpid(), atomic_fetch_add(&number, 1));
    FILE *const file = fopen(temporary, "wbe");
    if (!file)
        return false;
    const bool written = fwrite(data, 1, size, file) == size;
    if (!fclose(file) && written && !rename(temporary, path))
        return true;
    const int error = errno;
    unlink(temporary);
    errno = error;
    return false;
}
