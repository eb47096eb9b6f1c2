/* ia2_end_process: the process ends here, whatever handlers there are and come.
 *
 * SIGABRT gets its default action, and is sent to this thread. A second thread may set a handler in
 * between. No handler can run here: there is nowhere to put its frame, since the thread has no
 * signal stack any more and its stack pointer is 0. The kernel then sends SIGSEGV, which is blocked
 * and so ends the process (Linux, kernel/signal.c: force_sig_info_to_task). If another thread
 * ignores SIGABRT, exit_group follows.
 *
 * The frame pointer stays, for a debugger that reads the core file.
 *
 * ia2_end_process_now: the same, where no stack can be relied on. */
    .text
    .balign 16
    .globl ia2_end_process
    .hidden ia2_end_process
    .globl ia2_end_process_now
    .hidden ia2_end_process_now
    .type ia2_end_process, @function
ia2_end_process:
    .cfi_startproc
    push %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    mov %rsp, %rbp
    .cfi_def_cfa_register %rbp
ia2_end_process_now:
    mov $39, %eax                           /* getpid */
    syscall
    mov %eax, %ebx
    mov $186, %eax                          /* gettid */
    syscall
    mov %eax, %r12d
    xor %esp, %esp                          /* no memory is written from here on */
    mov $14, %eax                           /* rt_sigprocmask(SIG_SETMASK, all, NULL, 8) */
    mov $2, %edi
    lea .Lall_signals(%rip), %rsi
    xor %edx, %edx
    mov $8, %r10d
    syscall
    mov $131, %eax                          /* sigaltstack(none, NULL) */
    lea ia2_no_signal_stack(%rip), %rdi
    xor %esi, %esi
    syscall
    mov $13, %eax                           /* rt_sigaction(SIGABRT, default, NULL, 8) */
    mov $6, %edi
    lea ia2_default_action(%rip), %rsi
    xor %edx, %edx
    mov $8, %r10d
    syscall
    mov $234, %eax                          /* tgkill(process, thread, SIGABRT) */
    mov %ebx, %edi
    mov %r12d, %esi
    mov $6, %edx
    syscall
    mov $14, %eax                           /* rt_sigprocmask(SIG_UNBLOCK, SIGABRT, NULL, 8) */
    mov $1, %edi
    lea .Lsigabrt(%rip), %rsi
    xor %edx, %edx
    mov $8, %r10d
    syscall
.Lagain:
    mov $231, %eax                          /* exit_group(128 + SIGABRT) */
    mov $134, %edi
    syscall
    jmp .Lagain
    .cfi_endproc
    .size ia2_end_process, . - ia2_end_process

    .section .rodata
    .balign 8
.Lall_signals:
    .quad -1
.Lsigabrt:
    .quad 1 << (6 - 1)
    .globl ia2_no_signal_stack
    .hidden ia2_no_signal_stack
ia2_no_signal_stack:                                 /* stack_t: SS_DISABLE */
    .quad 0, 2, 0
    .globl ia2_default_action
    .hidden ia2_default_action
ia2_default_action:                           /* the kernel's: handler, flags, restorer, mask */
    .quad 0, 0, 0, 0
    .section .note.GNU-stack, "", @progbits
