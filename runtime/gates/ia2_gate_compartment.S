/* Parts that every compartment has besides its own gates: the runtime's gates, the descriptor, and
 * the code that ends the process. */

/* One entry of the table of destructors (ia2_destructors.h): \target is the function itself. */
.macro ia2_destructor symbol, target
    .section .rodata.str.ia2, "a", @progbits
.Lname\@:
    .asciz "\symbol"
    .section .data.rel.ro.ia2_destructors, "aw", @progbits
    .quad .Lname\@
    .quad \target
    .long IA2_ID, 0
.endm

/* A plugin. When the program loads a file called \name, the runtime loads \file, which lies beside
 * libia2.so. */
.macro ia2_plugin key, file, name
    .section .rodata.str.ia2, "a", @progbits
.Lplugin_file\@:
    .asciz "\file"
.Lplugin_name\@:
    .asciz "\name"
    .section .data.rel.ro.ia2_plugins, "aw", @progbits
    .quad \key
    .quad .Lplugin_file\@
    .quad .Lplugin_name\@
.endm

/* ---- parts of every compartment, before its own gates ---------------------------------------- */

    .section ia2_own_stubs, "ax", @progbits
    .balign 16
ia2_own_stubs_begin:
    .section .data.rel.ro.ia2_own_descs, "aw", @progbits
    .balign 1 << IA2_DESC_SHIFT
ia2_own_descs:
    .section .data.rel.ro.ia2_own_targets, "aw", @progbits
    .balign 8
ia2_own_targets:
    .section .data.rel.ro.ia2_destructors, "aw", @progbits
    .balign 8
.Lia2_destructors:
    .section .data.rel.ro.ia2_plugins, "aw", @progbits
    .balign 8
.Lia2_plugins:
    .section ia2_key0_stubs, "ax", @progbits
    .balign 16
ia2_key0_stubs_begin:
    .section .data.rel.ro.ia2_key0_descs, "aw", @progbits
    .balign 1 << IA2_DESC_SHIFT
ia2_key0_descs:
    .section .data.rel.ro.ia2_key0_targets, "aw", @progbits
    .balign 8
    .section ia2_monitor_stubs, "ax", @progbits
    .balign 16
ia2_monitor_stubs_begin:
    .section .data.rel.ro.ia2_monitor_descs, "aw", @progbits
    .balign 1 << IA2_DESC_SHIFT
ia2_monitor_descs:
    .section .data.rel.ro.ia2_monitor_targets, "aw", @progbits
    .balign 8

    ia2_runtime_gate __ia2_main, ia2_compartment_main, 3, 1
    ia2_runtime_gate __ia2_thread, ia2_compartment_thread, 0, 1
    ia2_runtime_gate __ia2_signal, ia2_compartment_signal, 4, 1, (1 << IA2_KEY_MONITOR)
    ia2_runtime_gate __ia2_exit_call, ia2_compartment_exit_call, 2, 0
    ia2_runtime_gate __ia2_atfork_prepare, ia2_compartment_atfork_prepare, 0, 0, 0xffff
    ia2_runtime_gate __ia2_atfork_parent, ia2_compartment_atfork_parent, 0, 0, 0xffff
    ia2_runtime_gate __ia2_atfork_child, ia2_compartment_atfork_child, 0, 0, 0xffff
    ia2_runtime_gate __ia2_client_alloc, ia2_compartment_client_alloc, 3, 1, IA2_HEAP_CLIENTS, %edx
    ia2_runtime_gate __ia2_client_free, ia2_compartment_client_free, 2, 1, IA2_HEAP_CLIENTS, %esi
    /* Every compartment may use these on a shared block. The compartment that allocated the block
     * keeps its books. */
    ia2_runtime_gate __ia2_shared_free, ia2_compartment_shared_free, 1, 1, 0xffff
    ia2_runtime_gate __ia2_shared_resize, ia2_compartment_shared_resize, 2, 1, 0xffff
    ia2_runtime_gate __ia2_shared_size, ia2_compartment_shared_size, 1, 1, 0xffff
    ia2_runtime_gate __ia2_thread_end, ia2_compartment_thread_end, 1, 1
    ia2_runtime_gate __ia2_thread_storage, ia2_compartment_thread_storage, 1, 0
    ia2_runtime_gate __ia2_construct, ia2_compartment_construct, 0, 0

    ia2_key0_gate __ia2_key0_exit, ia2_key0_exit, 1, 0
    ia2_key0_gate __ia2_key0_dlopen, ia2_key0_dlopen, 2, 1
    ia2_key0_gate __ia2_key0_dlclose, ia2_key0_dlclose, 1, 1
    ia2_key0_gate __ia2_key0_quick_exit, ia2_key0_quick_exit, 1, 0
    ia2_key0_gate __ia2_key0_thread_exit, ia2_key0_thread_exit, 1, 0
    ia2_key0_gate __ia2_key0_thread_create, ia2_key0_thread_create, 1, 1

    ia2_monitor_gate __ia2_monitor, ia2_monitor_run, 6, 1, %r9d

/* ---- dying ----------------------------------------------------------------------------------- */

/* No register, no stack and no right can be relied on here. The code makes only system calls. */
.macro ia2_die label, text, rest=
.Lia2_die_\label:
    lea .Ltext\@(%rip), %rsi
    mov $.Ltext_end\@ - .Ltext\@, %edx
    jmp .Lia2_die
    .pushsection .rodata.str.ia2, "a", @progbits
.Ltext\@:
    .ascii "ia2: compartment "
    .ascii IA2_NAME
    .ascii ": \text\rest\n"
.Ltext_end\@:
    .popsection
.endm

/* A field of the descriptor. The field must be where C has it. */
#define ia2_field(name, directive, value) ia2_expect IA2_COMPARTMENT_##name; directive value
.macro ia2_expect offset
    .if . - ia2_this_compartment - \offset
    .error "offset \offset: this is not struct ia2_compartment_descriptor (state/descriptor.h)"
    .endif
.endm

.macro ia2_gates_end
    ia2_bodies
    .text
    ia2_unwind_entries

    .type ia2_gate_dies, @function
ia2_gate_dies:
    .cfi_startproc
    .cfi_undefined %rip
    ia2_die pkru, "call gate: PKRU does not hold the value the gate wrote; ", \
        "the gate was not entered at its start"
    ia2_die thread, "call gate: this thread's FS base is not the one of its record"
    ia2_die stack, "call gate: the compartment is not suspended on this thread"
    ia2_die return, "call gate: return to a compartment that waits for no return from here"
    ia2_die jump, "a jump over a call that is not a signal handler's, ", \
        "made by what is no compartment (the loader, or exit)"
    ia2_die descriptor, "call gate: no such gate"
    ia2_die caller, "call gate: the calling compartment may not call this function"
.Lia2_die:
    mov $1, %eax                            /* write */
    mov $2, %edi
    syscall
    mov $13, %eax                           /* rt_sigaction: SIGABRT, SIG_DFL */
    mov $6, %edi
    lea .Lia2_default_action(%rip), %rsi
    xor %edx, %edx
    mov $8, %r10d
    syscall
    mov $14, %eax                           /* rt_sigprocmask, SIG_UNBLOCK */
    mov $1, %edi
    lea .Lia2_abort_mask(%rip), %rsi
    xor %edx, %edx
    mov $8, %r10d
    syscall
    mov $39, %eax                           /* getpid */
    syscall
    mov %eax, %edi
    mov $6, %esi
    mov $62, %eax                           /* kill, SIGABRT */
    syscall
    ud2
    .cfi_endproc
    .size ia2_gate_dies, . - ia2_gate_dies

    /* A plugin's thread-local storage is in its carrier. The engine gives the storage this name.
     * Nothing calls this function, which only makes the name known to ld.so. */
    .if (IA2_PLUGIN_KEYS >> IA2_ID) & 1
    .text
    .type ia2_carried_storage, @function
ia2_carried_storage:
    .cfi_startproc
    mov IA2_TLS_SYMBOL(IA2_ID)@gottpoff(%rip), %rax
    ret
    .cfi_endproc
    .size ia2_carried_storage, . - ia2_carried_storage
    .endif

    .section .data.rel.ro.ia2_own_descs, "aw", @progbits
    .set ia2_own_descs_size, . - ia2_own_descs
    .set ia2_own_descs_count, ia2_own_descs_size >> IA2_DESC_SHIFT
    .section .data.rel.ro.ia2_key0_descs, "aw", @progbits
    .set ia2_key0_descs_size, . - ia2_key0_descs
    .set ia2_key0_descs_count, ia2_key0_descs_size >> IA2_DESC_SHIFT
    .section .data.rel.ro.ia2_monitor_descs, "aw", @progbits
    .set ia2_monitor_descs_size, . - ia2_monitor_descs
    .set ia2_monitor_descs_count, ia2_monitor_descs_size >> IA2_DESC_SHIFT
    .section .data.rel.ro.ia2_plugins, "aw", @progbits
.Lia2_plugins_end:
    .section ia2_own_stubs, "ax", @progbits
ia2_own_stubs_end:
    ia2_frames_begin own_stubs, ia2_own_stubs_begin, ia2_own_stubs_end
    ia2_frames_end own_stubs
    .section ia2_key0_stubs, "ax", @progbits
.Lia2_key0_stubs_end:
    ia2_frames_begin key0_stubs, ia2_key0_stubs_begin, .Lia2_key0_stubs_end
    ia2_frames_end key0_stubs
    .section ia2_monitor_stubs, "ax", @progbits
.Lia2_monitor_stubs_end:
    ia2_frames_begin monitor_stubs, ia2_monitor_stubs_begin, .Lia2_monitor_stubs_end
    ia2_frames_end monitor_stubs

    .hidden __start_ia2_sites, __stop_ia2_sites
    .hidden __start_ia2_code_ranges, __stop_ia2_code_ranges
    .hidden __start_ia2_shared_data, __stop_ia2_shared_data
    .section .rodata.ia2, "a", @progbits
    .balign 8
.Lia2_default_action:
    .quad 0, 0, 0, 0
.Lia2_abort_mask:
    .quad 1 << 5
    .section .rodata.str.ia2, "a", @progbits
.Lia2_name:
    .asciz IA2_NAME

    /* struct ia2_compartment_descriptor. The runtime finds it through the note below. */
    .section .data.rel.ro.ia2_compartment, "aw", @progbits
    .balign 8
    .globl ia2_this_compartment
    .hidden ia2_this_compartment
    .type ia2_this_compartment, @object
ia2_this_compartment:
    ia2_field(ID, .long, IA2_ID)
    ia2_field(COUNT, .long, IA2_COMPARTMENTS)
    ia2_field(NAME, .quad, .Lia2_name)
    ia2_field(STUBS, .quad, ia2_own_stubs_begin)
    ia2_field(STUBS_END, .quad, ia2_own_stubs_end)
    ia2_field(GATES, .quad, ia2_own_descs)
    ia2_field(SITES, .quad, __start_ia2_sites)
    ia2_field(SITES_END, .quad, __stop_ia2_sites)
    ia2_field(MAIN, .quad, __ia2_main)
    ia2_field(THREAD, .quad, __ia2_thread)
    ia2_field(SIGNAL, .quad, __ia2_signal)
    ia2_field(EXIT_CALL, .quad, __ia2_exit_call)
    ia2_field(THREAD_END, .quad, __ia2_thread_end)
    ia2_field(THREAD_STORAGE, .quad, __ia2_thread_storage)
    ia2_field(CONSTRUCT, .quad, __ia2_construct)
    ia2_field(UNWOUND, .quad, __ia2_unwound)
    ia2_field(CODE_RANGES, .quad, __start_ia2_code_ranges)
    ia2_field(CODE_RANGES_END, .quad, __stop_ia2_code_ranges)
    ia2_field(CLIENT_ALLOC, .quad, __ia2_client_alloc)
    ia2_field(CLIENT_FREE, .quad, __ia2_client_free)
    ia2_field(SHARED_FREE, .quad, __ia2_shared_free)
    ia2_field(SHARED_RESIZE, .quad, __ia2_shared_resize)
    ia2_field(SHARED_SIZE, .quad, __ia2_shared_size)
    ia2_field(KEY0_THREAD_CREATE, .quad, __ia2_key0_thread_create)
    ia2_field(MONITOR, .quad, __ia2_monitor)
    ia2_field(MONITOR_GATE, .quad, ia2_monitor_descs)
    ia2_field(FINI_ENTRIES, .quad, ia2_compartment_fini_entries)
    ia2_field(SHARED_DATA, .quad, __start_ia2_shared_data)
    ia2_field(SHARED_DATA_END, .quad, __stop_ia2_shared_data)
    ia2_field(PKRU, , )
    .irp c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .if \c <= IA2_COMPARTMENTS || \c == IA2_KEY_MONITOR
    .long ia2_pkru_\c
    .else
    .long 0
    .endif
    .endr
    ia2_field(PLUGIN_KEYS, .long, IA2_PLUGIN_KEYS)
    ia2_field(SYSTEM_CALLS, .long, IA2_SYSTEM_CALLS)
    ia2_field(PERMISSIVE, .long, IA2_PERMISSIVE)
    .long 0
    ia2_field(PLUGINS, .quad, .Lia2_plugins)
    ia2_field(PLUGINS_END, .quad, .Lia2_plugins_end)
    ia2_field(SIZE, , )
    .size ia2_this_compartment, . - ia2_this_compartment
.Lia2_state:
    .quad ia2_state                         /* for debuggers: ia2_gate_frames.S */

    .section .note.ia2, "a", @note
    .balign 4
    .long 4, 8, IA2_NOTE_COMPARTMENT
    .asciz "IA2"
    .quad ia2_this_compartment - .

    /* struct ia2_static_destructor_table and the note that leads to it. */
    .section .data.rel.ro.ia2_destructors, "aw", @progbits
    .set .Lia2_destructors_size, . - .Lia2_destructors
    .section .data.rel.ro.ia2_destructor_table, "aw", @progbits
    .balign 8
ia2_destructor_table:
    .quad .Lia2_name
    .long IA2_ID, 0
    .quad .Lia2_destructors_size / IA2_DESTRUCTOR_ENTRY_SIZE
    .quad .Lia2_destructors
    .section .note.ia2_destructors, "a", @note
    .balign 4
    .long 4, 8, IA2_NOTE_DESTRUCTORS
    .asciz "IA2"
    .quad ia2_destructor_table - .

    .section ia2_shared_data, "aw", @progbits
    .balign IA2_PAGE
    /* The two words pull these symbols out of libia2_compartment.a. Nothing else names them.
     * (.reloc R_X86_64_NONE would take no space, but clang 14's assembler drops the symbol from
     * it.) */
    .section .rodata.ia2_needs, "a", @progbits
    .balign 4
    .long ia2_tls_anchors - .
    .long ia2_shared_data_last - .
    .section .note.GNU-stack, "", @progbits
.endm

