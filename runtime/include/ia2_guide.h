/* ia2_guide.h: macros of IA2's guide that mean the same with and without compartments. Function pointers keep their C types here, so
 * what took an opaque pointer apart has nothing to do. */
#ifndef IA2_GUIDE_H
#define IA2_GUIDE_H

#define IA2_ADDR(pointer) ((void *)(pointer))
#define IA2_AS_PTR(pointer) (pointer)
#define IA2_CAST(f, type) ((type)(f))
/* What a program's IA2_CALL(pointer, id) becomes. */
#define IA2_CALLED(pointer, ...) (pointer)
/* The rewriter leaves functions named in it alone. */
#define IA2_IGNORE(...) __VA_ARGS__

/* The policy file says which compartments there are, and the link makes the gates. */
#define INIT_RUNTIME(count) _Static_assert((count) > 0 && (count) < 16, "INIT_RUNTIME: 1 to 15 compartments")
#define IA2_BEGIN_NO_WRAP
#define IA2_END_NO_WRAP
#define IA2_DEFINE_WRAPPER(f) _Static_assert(1, #f)

/* Handlers run in the compartment that installs them, without help. */
#define IA2_SIGHANDLER(f) (f)
#define IA2_DEFINE_SIGHANDLER(f, ...) _Static_assert(1, #f)
#define IA2_DEFINE_SIGACTION(f, ...) _Static_assert(1, #f)

/* Functions that run before and after each call of f from another compartment, in f's compartment, with f's arguments (a post-condition also
 * with its result, last). The rewriter reads the mark. */
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
