/* ia2.h: what a compartmentalized program says to the IA2 runtime.
 *
 * The rewriter includes this file first in every file it changes and writes the macros below; a
 * program may also use them by hand. It includes no system header, so the program's feature macros
 * (_GNU_SOURCE ...) keep their meaning. */
#ifndef IA2_H
#define IA2_H

/* No warnings about GNU extensions: projects build with -pedantic-errors and C89 too. The rewriter
 * must tell these macros from those of system headers. */
#ifndef IA2_READ
#pragma GCC system_header
#endif

#ifdef __cplusplus
#error "ia2.h: C only"
#endif

#include "ia2_guide.h"
/* IA2_READ: the rewriter reads the unit. It sees what `#if IA2_ENABLE` keeps, and the plain form of
 * these macros. */
#if ((defined(IA2_ENABLE) && !IA2_ENABLE) || defined(IA2_READ)) && !defined(IA2_UNIT)
#include "ia2_disabled.h"
#else

/* ---- function pointers ---------------------------------------------------------------------- */

/* Pasted when the arguments have been expanded: f may be an alias, `#define f g`. */
#define IA2_JOIN_(a, b) a##b
#define IA2_JOIN(a, b) IA2_JOIN_(a, b)

/* The value of a function pointer that may cross a boundary: the address of f's call gate, which
 * any compartment can call and which runs f with its owner's rights. A constant expression. Not
 * declared hidden: the strictest visibility that any object gives a symbol wins, and a gate that
 * another compartment calls must stay exported. */
#define IA2_FN(f) ((__typeof__(&(f)))(const void *)IA2_JOIN(__wrap_, f))
#define IA2_FN_ADDR(f) IA2_FN(f)
#define IA2_DECLARE_GATE(f) extern const char __wrap_##f[]

/* A variable of the function's name that stands for it in a block. Its own name is declared when
 * its initializer is read, so the value comes by another. */
#define IA2_SHADOW(f, gate) const __typeof__(&(f)) ia2_shadow_##f = gate, f = ia2_shadow_##f

/* The same for a static function. IA2_UNIT is the number of the translation unit: one file may be
 * compiled several times into one program. */
#define IA2_PASTE_(a, b, c) a##b##_##c
#define IA2_PASTE(a, b, c) IA2_PASTE_(a, b, c)
#define IA2_FN_STATIC(f) ((__typeof__(&(f)))(const void *)IA2_PASTE(__ia2_gate_, IA2_UNIT, f))
#define IA2_DECLARE_GATE_STATIC(f) \
    extern __attribute__((visibility("hidden"))) const char IA2_PASTE(__ia2_gate_, IA2_UNIT, f)[]
/* The same for a function of libc, which has no owner: it runs with the rights of the compartment
 * that takes its address. */
#define IA2_FN_LIBC(f) ((__typeof__(&(f)))(const void *)IA2_JOIN(__ia2_libc_, f))
#define IA2_DECLARE_GATE_LIBC(f) \
    extern __attribute__((visibility("hidden"))) const char __ia2_libc_##f[]
/* A name that a macro puts together with ##: the file says first what each of them stands for,
 * `#define ia2_pasted_f IA2_FN(f)`. */
#define IA2_PASTED(name) ia2_pasted_##name
/* At the end of the file: the name by which the gate calls f. */
#define IA2_STATIC_TARGET(f) \
    extern __typeof__(f) IA2_PASTE(__ia2_target_, IA2_UNIT, f) \
        __attribute__((alias(#f), visibility("hidden")))

/* A function pointer about to be called. Aborts the process unless it is the entry of a call gate
 * whose function has the ABI type TYPE (docs/design.md), so a pointer that another compartment made
 * up never runs with the caller's rights. A null pointer passes and faults as it always did. */
#define IA2_CALL(pointer, type) \
    ((__typeof__(&*(pointer)))ia2_check_target((const void *)(pointer), (type)))
const void *ia2_check_target(const void *pointer, unsigned type);

/* A function pointer about to be given to code that the program only declares, as libc's qsort,
 * which will call it with the caller's rights. Aborts the process unless it is the entry of a call
 * gate whose function has the ABI type \a type or \a other: the type that the receiver declares,
 * and the one that the program wrote. A null pointer passes, and so do the numbers that libc's
 * functions take in place of a function, as SIG_IGN and SIG_ERR: no code is at such an address. */
#define IA2_CALLBACK(pointer, type, other) \
    ((__typeof__(&*(pointer)))ia2_check_callback((const void *)(pointer), (type), (other)))
#define IA2_CALLBACK_UNTYPED(value, type, other) \
    ((void *)ia2_check_callback((const void *)(value), (type), (other)))
const void *ia2_check_callback(const void *pointer, unsigned type, unsigned other);

/* The same for the function pointers in a const object, or in a value, of one of libc's records:
 * what follows are the offset and the type of each; two at one offset are members of a union. The
 * receiver gets a copy, which other compartments cannot change after the check. */
#define IA2_CALLBACKS(pointer, ...) \
    ((__typeof__(pointer))ia2_check_callbacks((pointer), IA2_RECORD_LIKE(*(pointer)), \
                                              sizeof(*(pointer)), IA2_MEMBERS(__VA_ARGS__)))
#define IA2_CALLBACKS_OF(value, ...) \
    ({ \
        __typeof__(value) ia2_record = (value); \
        *(__typeof__(value) *)ia2_check_callbacks(&ia2_record, IA2_RECORD_LIKE(ia2_record), \
                                                  sizeof(ia2_record), IA2_MEMBERS(__VA_ARGS__)); \
    })
/* Memory for an object of the type, until the block around it ends. */
#define IA2_RECORD_LIKE(object) \
    ((struct { \
         char bytes[sizeof(object)] __attribute__((aligned(__alignof__(__typeof__(object))))); \
     }){{0}} \
         .bytes)
#define IA2_MEMBERS(...) \
    (const unsigned[]){__VA_ARGS__}, sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned)
/* Copies \a record to \a copy and checks the copy. Returns the copy; NULL of NULL. */
const void *ia2_check_callbacks(const void *record, void *copy, unsigned long size,
                                const unsigned *members, unsigned long count);

/* In front of a call through a pointer that only the project's compiler sees, as in `#ifndef
 * __clang__`: the program is split by what clang sees. Stops the compiler, unless the preprocessor
 * skips it. */
#define IA2_UNSEEN_CALL \
    _Pragma( \
        "GCC error \"call through a pointer: the program is split by what clang sees, and clang \
skips this, so nothing would be checked. remedy: let clang see it too (--extra-arg -D...), or \
move it out of the conditional\"")

/* The callee of a direct call of another compartment's variadic function: its gate for one list of
 * arguments. HASH is that of their ABI string (docs/design.md). */
#define IA2_VARIADIC(f, hash) ((__typeof__(&(f)))(const void *)__wrap_##f##__##hash)
#include "ia2_variadic.h"

/* ---- variables whose address crosses -------------------------------------------------------- */

/* A global that every compartment may read and write. Initialized; no bit of it is trusted. */
#define IA2_SHARED_DATA __attribute__((section("ia2_shared_data"), used))

/* For the rewriter, on one that other compartments use by its name. */
#define IA2_EXPORTED __attribute__((visibility("default")))

/* For the rewriter, on a declaration before the definition, which a macro makes: `used` would be
 * ignored there, with a warning. */
#define IA2_SHARED_DECLARED __attribute__((section("ia2_shared_data")))

/* A const volatile one, for the rewriter: GCC up to 13 puts it among writable data, and so under
 * its compartment's key; GCC 14 and clang among constants, which all may read, and would not have
 * it in the other section. */
#if defined(__clang__) || __GNUC__ >= 14
#define IA2_SHARED_VOLATILE_CONSTANT
#else
#define IA2_SHARED_VOLATILE_CONSTANT IA2_SHARED_DATA
#endif

/* A local: `T x;` becomes `T *const p IA2_SHARED_LOCAL(p);`, `T x = INIT;` becomes
 * `T *const p IA2_SHARED_LOCAL_INIT(p, INIT);`. It lives on the thread's shared stack (overflow
 * aborts) until the scope ends. Not for threads that pthread_create did not make. */
#define IA2_SHARED_LOCAL(p) \
    __attribute__((cleanup(ia2_shared_pop))) = ia2_shared_push(sizeof(*(p)), IA2_SHARED_ALIGN(p))
#define IA2_SHARED_LOCAL_INIT(p, ...) \
    __attribute__((cleanup(ia2_shared_pop))) = __extension__({ \
        __typeof__(*(p)) ia2_value = __VA_ARGS__; \
        __builtin_memcpy(ia2_shared_push(sizeof(*(p)), IA2_SHARED_ALIGN(p)), \
                         (const void *)&ia2_value, sizeof(*(p))); \
    })
/* The attribute `aligned` of x becomes one of p. */
#define IA2_SHARED_ALIGN(p) \
    (__alignof__(*(p)) > __alignof__(p) ? __alignof__(*(p)) : __alignof__(p))
/* After the declaration of such a local that has the attribute cleanup(f): f gets its address,
 * before it is gone. */
#define IA2_SHARED_CLEANUP(p, f) \
    struct ia2_cleanup ia2_cleanup_##p __attribute__((cleanup(ia2_run_cleanup), unused)) = { \
        (void *)(p), (void (*)(void *))(void *)(f)}
struct ia2_cleanup {
    void *object;
    void (*function)(void *);
};
static __inline__ void ia2_run_cleanup(const struct ia2_cleanup *it)
{
    it->function(it->object);
}
/* A compound literal there, until the block ends that has IA2_SHARED_SCOPE at its start. */
#define IA2_SHARED_SCOPE \
    const void *const ia2_shared_scope __attribute__((cleanup(ia2_shared_pop), unused)) = \
        ia2_shared_push(0, 1)
#define IA2_SHARED_LITERAL(...) \
    (*(__typeof__(__VA_ARGS__) *)__builtin_memcpy( \
        ia2_shared_push(sizeof(__VA_ARGS__), __alignof__(__typeof__(__VA_ARGS__))), \
        (const void *)&(__VA_ARGS__), sizeof(__VA_ARGS__)))
/* Memory on the calling thread's shared stack; not zeroed. Last in, first out. Not
 * async-signal-safe. */
void *ia2_shared_push(unsigned long size, unsigned long align);
/* \a variable: the address of a pointer that ia2_shared_push returned (the form the cleanup
 * attribute wants). */
void ia2_shared_pop(const void *variable);

/* ---- arguments by copy ---------------------------------------------------------------------- */

/* In a statement expression, before the call: a copy of *argument on the shared stack, to be passed
 * as IA2_COPIED(n). IN copies towards the callee, OUT back when the expression ends or a longjmp
 * skips its end, INOUT both. A null pointer stays null. */
struct ia2_copied {
    void *shared, *own;
    unsigned long back; /* bytes to copy back */
    struct ia2_copied *outer;
    unsigned long sp; /* of the function that copies */
};
#define IA2_COPY(n, argument, in, out) \
    __typeof__(argument) ia2_argument_##n = (argument); \
    struct ia2_copied ia2_copied_##n __attribute__((cleanup(ia2_copy_back))) = \
        ia2_copy(&ia2_copied_##n, ia2_argument_##n, sizeof(*ia2_argument_##n), in, out)
#define IA2_COPY_IN(n, argument) IA2_COPY(n, argument, 1, 0)
#define IA2_COPY_OUT(n, argument) IA2_COPY(n, argument, 0, 1)
#define IA2_COPY_INOUT(n, argument) IA2_COPY(n, argument, 1, 1)
#define IA2_COPIED(n) ((__typeof__(ia2_argument_##n))ia2_copied_##n.shared)
struct ia2_copied ia2_copy(struct ia2_copied *scope, const void *own, unsigned long size, int in,
                           int out); /* what *scope shall hold */
void ia2_copy_back(struct ia2_copied *copied);

/* The same for a va_list: the list itself is copied (va_arg writes it), what it points to stays on
 * the caller's stack, which the callee must have a grant to read. */
#define IA2_VA_LIST_SHARE(n, list) IA2_COPY(va_##n, &(*(list)), 1, 0)
#define IA2_VA_LIST_SHARED(n) ((void *)ia2_copied_va_##n.shared)

/* ---- where allocations go ------------------------------------------------------------------- */

/* First in a function's body: until it returns, what this thread allocates in this compartment
 * (malloc and family, also in functions it calls) comes from the heap of compartment \a key; 0 is
 * the shared heap. */
#define IA2_ALLOCATE_IN(key) \
    struct ia2_allocation ia2_allocation_scope \
        __attribute__((cleanup(ia2_allocate_in_end), unused)) = \
            ia2_allocate_in(&ia2_allocation_scope, key)
/* The value of an expression, while which allocations go as IA2_ALLOCATE_IN says. */
#define IA2_ALLOCATED_IN(key, ...) \
    __extension__({ \
        IA2_ALLOCATE_IN(key); \
        __VA_ARGS__; \
    })
struct ia2_allocation {
    struct ia2_allocation *outer;
    int before; /* the key, -1 for the own heap */
};
struct ia2_allocation ia2_allocate_in(struct ia2_allocation *scope,
                                      int key); /* what *scope shall hold */
void ia2_allocate_in_end(struct ia2_allocation *scope);

/* The shared heap. Like malloc and family; any compartment may read, write and free what it holds.
 * Thread-safe, not async-signal-safe. NULL and ENOMEM when there is no memory. shared_free aborts
 * on what is not from there. */
void *shared_malloc(unsigned long size);
void *shared_calloc(unsigned long count, unsigned long size);
void *shared_realloc(void *p, unsigned long size);
void shared_free(void *p);

/* ---- conditions ----------------------------------------------------------------------------- */

/* The function that the gate of f calls in place of f, if f has conditions or objects to check
 * (docs/macros.md). */
#define IA2_CHECKED(f) IA2_PASTE(__ia2_checked_, IA2_UNIT, f)
#define IA2_REQUIRE(condition, what) ((condition) ? (void)0 : ia2_condition_failed(what))
void ia2_condition_failed(const char *what) __attribute__((noreturn));
/* In a block: errno is afterwards what it was. */
#define IA2_KEEP_ERRNO \
    int ia2_errno __attribute__((cleanup(ia2_errno_back), unused)) = ia2_errno_now()
int ia2_errno_now(void);
void ia2_errno_back(const int *was);

/* The register of this compartment's objects; type: the type's name. All end the process in words:
 * begin if there is an object at that address, the others unless there is one of that type. NULL is
 * no object. Thread-safe, not async-signal-safe. */
void ia2_object_begin(const void *object, const char *type, const char *function);
void ia2_object_check(const void *object, const char *type, const char *function);
void ia2_object_end(const void *object, const char *type, const char *function);

/* ---- asking --------------------------------------------------------------------------------- */

/* Key of the compartment that is running: 1..12, 0 for none. */
int ia2_get_compartment(void);

/* Where the running compartment's stack on this thread is: its lowest address, and its size. NULL
 * and 0 if no compartment is running or the runtime did not start the thread. Thread-safe and
 * async-signal-safe. */
void ia2_get_compartment_stack(void **low, unsigned long *size);

/* Ends the process in words unless the rights are those that \a value says: PKRU(n) of the running
 * compartment, or with its grants. */
#define ASSERT_PKRU(value) ia2_assert_pkru((unsigned)(value), __FILE__, __LINE__)
void ia2_assert_pkru(unsigned value, const char *file, int line);

#endif
#endif
