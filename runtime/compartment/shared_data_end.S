#include "ia2_layout.h"

/* Last in the link: a page that ends the section of shared globals on a page boundary. */
    .section ia2_shared_data, "aw", @progbits
    .balign IA2_PAGE
    .globl ia2_shared_data_last
    .hidden ia2_shared_data_last
ia2_shared_data_last:
    .skip IA2_PAGE, 0
    .section .note.GNU-stack, "", @progbits
