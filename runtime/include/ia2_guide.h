/* ia2_guide.h: macros of IA2's guide that mean the same with and without compartments. Function
 * pointers keep their C types here, so what took an opaque pointer apart has nothing to do. */
#ifndef IA2_GUIDE_H
#define IA2_GUIDE_H

#ifndef IA2_READ
#pragma GCC system_header
#endif

#define IA2_ADDR(pointer) ((void *)(pointer))
#define IA2_AS_PTR(pointer) (pointer)
#define IA2_CAST(f, type) ((type)(f))
/* What a program's IA2_CALL(pointer, id) or IA2_CALL(pointer, id, ARGUMENT...) becomes. */
#define IA2_CALLED(pointer, ...) \
    IA2_CALLED_(IA2_MORE(__VA_ARGS__, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, ~), pointer, \
                __VA_ARGS__)
#define IA2_MORE(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, more, ...) more
#define IA2_CALLED_(more, ...) IA2_CALLED__(more, __VA_ARGS__)
#define IA2_CALLED__(more, ...) IA2_CALLED_##more(__VA_ARGS__)
#define IA2_CALLED_0(pointer, id) (pointer)
#define IA2_CALLED_1(pointer, id, ...) (pointer)(__VA_ARGS__)
/* The rewriter leaves functions named in it alone. */
#define IA2_IGNORE(...) __VA_ARGS__

/* The policy file says which compartments there are, and the link makes the gates; the rewriter
 * refuses what says otherwise. The length of an array that nobody defines is a number it can read.
 */
#define INIT_RUNTIME(count) extern char ia2_guide_compartments[count]
#ifdef PKEY
extern char ia2_guide_pkey[PKEY];
#endif
/* Called before main, in its compartment, when there are compartments. */
void ia2_main(void);
static __inline__ __attribute__((unused)) void ia2_register_compartment(const char *dso, int key,
                                                                        const char *libraries)
{
    (void)dso, (void)key, (void)libraries;
}
/* Functions declared in between run with their caller's rights, not their compartment's. The
 * rewriter reads the mark. */
#ifdef __clang__
#define IA2_BEGIN_NO_WRAP \
    _Pragma( \
        "clang attribute push(__attribute__((annotate(\"ia2_skip_wrap\"))), apply_to = function)")
#define IA2_END_NO_WRAP _Pragma("clang attribute pop")
#else
#define IA2_BEGIN_NO_WRAP
#define IA2_END_NO_WRAP
#endif
#define IA2_DEFINE_WRAPPER(f) __extension__ _Static_assert(1, #f)

/* A handler runs in its function's compartment without help; the rewriter compares the key. */
#define IA2_SIGHANDLER(f) (f)
#ifdef __clang__
#define IA2_DEFINE_SIGHANDLER(f, key) \
    extern char ia2_guide_handler_##f __attribute__((annotate("ia2_sighandler:" IA2_TEXT(key))))
#else
#define IA2_DEFINE_SIGHANDLER(f, key) __extension__ _Static_assert(1, #f)
#endif
#define IA2_DEFINE_SIGACTION(f, key) IA2_DEFINE_SIGHANDLER(f, key)
#define IA2_TEXT(text) #text

/* Functions that run before and after each call of f from another compartment, in f's compartment,
 * with f's arguments (a post-condition also with its result, last). The rewriter reads the mark. */
#define IA2_PRE_CONDITION_FOR(f) IA2_MARK("ia2_pre_condition:" #f)
#define IA2_POST_CONDITION_FOR(f) IA2_MARK("ia2_post_condition:" #f)
/* A function that makes, or ends, an object of the type its first parameter points to. */
#define IA2_CONSTRUCTOR IA2_MARK("ia2_constructor")
#define IA2_DESTRUCTOR IA2_MARK("ia2_destructor")
#ifdef __clang__
#define IA2_MARK(text) __attribute__((annotate(text), unused))
#else
#define IA2_MARK(text) __attribute__((unused))
#endif

/* PKRU of compartment n without grants. */
#define PKRU(n) (~((3U << (2 * (n))) | 3U))

#endif
