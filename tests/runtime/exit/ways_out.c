/* ways_out WAY COMPARTMENT THREAD: sets everything up and leaves. THREAD: 0 the first, 1 a worker that the first waits for,
 * 2 a worker that is the last thread. */
#define WHO app
#include "party.h"
#include <fcntl.h>

static int way, who, thread;

/* Until the first thread is a zombie: what it does at its end comes first. */
static void wait_for_first(void)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)getpid());
    while (!strstr(text, ") Z ")) {
        int fd = open(path, O_RDONLY);
        ssize_t n = read(fd, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = 0;
        close(fd);
        usleep(1000);
    }
}

/* The timer's signal is for the thread that leaves. */
static void catch_alarm(int how)
{
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(how, &alarm, NULL);
}

static void *run(void *unused)
{
    catch_alarm(SIG_UNBLOCK);
    if (thread == 2)
        wait_for_first();
    set_up_thread();
    library_set_up_thread();
    third_set_up_thread();
    if (who == 0)
        leave(way);
    else if (who == 1)
        library_leave(way);
    else
        third_leave(way);
    /* The signal finds the thread anywhere, inside a gate too. */
    for (int i = 0; way == TIMER; i++)
        if (library_add(i, 1) != i + 1)
            _exit(98);
    return unused;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    way = atoi(argv[1]), who = atoi(argv[2]), thread = atoi(argv[3]);
    for (int round = 0; round < 2; round++) {
        set_up(round);
        library_set_up(round);
        third_set_up(round);
    }
    if (!thread) {
        run(NULL);
        return 7;
    }
    pthread_t id;
    catch_alarm(SIG_BLOCK);
    if (pthread_create(&id, NULL, run, NULL))
        return 97;
    if (thread == 2) {
        say("first thread ends");
        pthread_exit(NULL);
    }
    if (pthread_join(id, NULL))
        return 96;
    return 7;
}
