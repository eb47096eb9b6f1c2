/* Caller (PKEY 1) and callee (PKEY 2) that see and set every register. */
#include "machine_state.h"
#define EXCHANGE_WIDTH 0
#define EXCHANGE_HOSTILE 4
#define EXCHANGE_LOADED 8
#define EXCHANGE_ENTERED (EXCHANGE_LOADED + STATE_SIZE)
#define EXCHANGE_LEFT (EXCHANGE_ENTERED + STATE_SIZE)
#define EXCHANGE_RETURNED (EXCHANGE_LEFT + STATE_SIZE)

/* Stores all registers at exchange + \at. Leaves %rax, %rbx changed and the flags. */
.macro store_state at
    push %rax
    pushfq
    cld
    mov exchange@GOTPCREL(%rip), %rax
    add $\at, %rax
    popq STATE_FLAGS(%rax)
    popq (%rax)
    mov %rcx, 8(%rax)
    mov %rdx, 16(%rax)
    mov %rbx, 24(%rax)
    mov %rsp, 32(%rax)
    mov %rbp, 40(%rax)
    mov %rsi, 48(%rax)
    mov %rdi, 56(%rax)
    mov %r8, 64(%rax)
    mov %r9, 72(%rax)
    mov %r10, 80(%rax)
    mov %r11, 88(%rax)
    mov %r12, 96(%rax)
    mov %r13, 104(%rax)
    mov %r14, 112(%rax)
    mov %r15, 120(%rax)
    stmxcsr STATE_MXCSR(%rax)
    fnstcw STATE_X87_CONTROL(%rax)
    mov exchange@GOTPCREL(%rip), %rbx
    mov EXCHANGE_WIDTH(%rbx), %ebx
    cmp $2, %ebx
    jb 1f
    .irp n, 0,1,2,3,4,5,6,7
    kmovq %k\n, STATE_MASKS + 8 * \n(%rax)
    .endr
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vmovdqu64 %zmm\n, STATE_VECTORS + 64 * \n(%rax)
    .endr
    jmp 3f
1:  cmp $1, %ebx
    jb 2f
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    vmovdqu %ymm\n, STATE_VECTORS + 64 * \n(%rax)
    .endr
    jmp 3f
2:  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    movdqu %xmm\n, STATE_VECTORS + 64 * \n(%rax)
    .endr
3:
.endm

/* Loads all registers but %rsp and %rax from exchange + \at; %rax last. */
.macro load_state at
    mov exchange@GOTPCREL(%rip), %rax
    mov EXCHANGE_WIDTH(%rax), %ebx
    add $\at, %rax
    cmp $2, %ebx
    jb 1f
    .irp n, 0,1,2,3,4,5,6,7
    kmovq STATE_MASKS + 8 * \n(%rax), %k\n
    .endr
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vmovdqu64 STATE_VECTORS + 64 * \n(%rax), %zmm\n
    .endr
    jmp 3f
1:  cmp $1, %ebx
    jb 2f
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    vmovdqu STATE_VECTORS + 64 * \n(%rax), %ymm\n
    .endr
    jmp 3f
2:  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    movdqu STATE_VECTORS + 64 * \n(%rax), %xmm\n
    .endr
3:  ldmxcsr STATE_MXCSR(%rax)
    fldcw STATE_X87_CONTROL(%rax)
    pushq STATE_FLAGS(%rax)
    popfq
    mov 8(%rax), %rcx
    mov 16(%rax), %rdx
    mov 24(%rax), %rbx
    mov 40(%rax), %rbp
    mov 48(%rax), %rsi
    mov 56(%rax), %rdi
    mov 64(%rax), %r8
    mov 72(%rax), %r9
    mov 80(%rax), %r10
    mov 88(%rax), %r11
    mov 96(%rax), %r12
    mov 104(%rax), %r13
    mov 112(%rax), %r14
    mov 120(%rax), %r15
    mov (%rax), %rax
.endm

    .text
#if PKEY == 1
    .globl planted_call
    .type planted_call, @function
planted_call:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    sub $24, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    mov %rdi, 8(%rsp)
    sub $128, %rsp
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    mov 8 * \n(%rsi), %rax
    mov %rax, 8 * \n(%rsp)
    .endr
    load_state EXCHANGE_LOADED
    call *136(%rsp)
    store_state EXCHANGE_RETURNED
    add $128, %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    add $24, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
#else
/* One body, many names: each has a gate of another shape. It leaves secrets in every register it may use, and if hostile in
 * those it must keep; where its gate keeps its own stack pointers it must, so the hostile one makes them point at its own
 * scratch memory. */
    .irp name, see_nothing, see_ints, see_all, see_stack, see_memory, see_pair, see_doubles
    .globl \name
    .type \name, @function
\name:
    .endr
    push %rbx
    push %r14
    store_state EXCHANGE_ENTERED
    mov exchange@GOTPCREL(%rip), %rax
    cmpl $0, EXCHANGE_HOSTILE(%rax)
    jne 9f
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r15
    load_state EXCHANGE_LEFT
    cld
    popq %r15
    popq %r13
    popq %r12
    popq %rbp
    popq %r14
    popq %rbx
    std
    ret
9:  load_state EXCHANGE_LEFT
    popq %r14               /* which leaves no trace of it below the return address */
    popq %rbx
    movq $0, -8(%rsp)
    movq $0, -16(%rsp)
    lea scratch + 64(%rip), %r14
    mov $0x5ec2e700000000ff, %rbx
    std
    ret
    .local scratch
    .comm scratch, 128, 16
#endif
    .section .note.GNU-stack, "", @progbits
