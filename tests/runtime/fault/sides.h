extern int shared_data[4];
#define SIDE(n) \
    int attack_##n(volatile int *address, int how); \
    int expose_##n(const char *kind, int how, int attacker); \
    void prepare_##n(void);
SIDE(1) SIDE(2) SIDE(3)

static inline int attack(int by, volatile int *address, int how)
{
    return by == 1 ? attack_1(address, how) : by == 2 ? attack_2(address, how) : attack_3(address, how);
}

static inline int expose(int victim, const char *kind, int how, int attacker)
{
    return victim == 1 ? expose_1(kind, how, attacker) : victim == 2 ? expose_2(kind, how, attacker) :
                                                                       expose_3(kind, how, attacker);
}
