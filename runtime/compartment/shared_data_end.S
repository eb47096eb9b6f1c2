/* Last in the link: a page that ends the section of shared globals on a page boundary. */
    .section ia2_shared_data, "aw", @progbits
    .balign 4096
    .globl ia2_shared_data_last
    .hidden ia2_shared_data_last
ia2_shared_data_last:
    .skip 4096, 0
    .section .note.GNU-stack, "", @progbits
