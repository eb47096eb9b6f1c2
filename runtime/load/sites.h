/* Gate instructions that depend on the CPU. */
#ifndef IA2_SITES_H
#define IA2_SITES_H

/* Whether CPU and kernel have protection keys (CPUID 7.0:ECX OSPKE). */
int ia2_cpu_has_pkeys(void);

/* Patches the ia2_sites of every module for this CPU: RDPKRU and WRPKRU become moves from and to
 * ia2_virtual_pkru where there are no keys, AVX and AVX-512 scrubbing is jumped over where there is
 * none, RDFSBASE becomes a read of the thread pointer where the kernel does not allow it. Once,
 * before there is a second thread. */
void ia2_sites_patch(void);

/* The same for one compartment, before anything of it runs. */
struct ia2_compartment_descriptor;
void ia2_sites_patch_one(const struct ia2_compartment_descriptor *descriptor);

#endif
