/* Ways out. */
enum {
    RETURN, EXIT, IMMEDIATE, IMMEDIATE_C, QUICK, SAFE, THREAD, ABORT, KILLED, CAUGHT, CAUGHT_QUICK, CAUGHT_IMMEDIATE,
    EXITS_AGAIN, REGISTERS, DESTRUCTOR_REGISTERS, DESTRUCTOR_SIGNALLED, DESTRUCTOR_EXITS, TIMER,
};

void library_set_up(int round);
void library_set_up_thread(void);
void library_leave(int way);
int library_add(int a, int b);
void third_set_up(int round);
void third_set_up_thread(void);
void third_leave(int way);
