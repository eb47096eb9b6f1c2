/* A page-aligned thread-local in each TLS section: the alignment of the whole block becomes a page,
 * so pad-tls may fill it up. (GNU ld drops padding from an empty .tbss, so both sections have a
 * variable.) */
__thread char ia2_tls_data_anchor[1]
    __attribute__((aligned(4096), visibility("hidden"), used)) = {1};
__thread char ia2_tls_bss_anchor[1] __attribute__((visibility("hidden"), used));
/* A name that the gate object can ask for: a thread-local cannot be referred to without being used.
 */
const char ia2_tls_anchors __attribute__((visibility("hidden"))) = 0;
