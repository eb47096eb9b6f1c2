"""Where the enforced tests run, keys really are enforced."""

import os
import pathlib
import subprocess
import unittest

NEEDS_PKU = True

PROGRAM = r"""
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    printf("%s key %u\n", info->si_code == SEGV_PKUERR ? "SEGV_PKUERR" : "other", (unsigned)info->si_pkey);
    fflush(stdout);
    signal(SIGSEGV, SIG_DFL);
}

int main(void) {
    const struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, 0);
    volatile char *const page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const int key = pkey_alloc(0, 0);
    if (key < 1 || pkey_mprotect((void *)page, 4096, PROT_READ | PROT_WRITE, key) < 0)
        return 1;
    page[0] = 1;
    pkey_set(key, PKEY_DISABLE_WRITE);
    printf("read %d with key %d\n", page[0], key);
    page[0] = 2;
    puts("written");
    return 0;
}
"""  # noqa: E501


def build(out: pathlib.Path):
    (out / "keys.c").write_text(PROGRAM)
    subprocess.run(
        ["gcc", "-O1", "-Wall", "-Werror", "-o", out / "keys", out / "keys.c"], check=True
    )


class ProtectionKeys(unittest.TestCase):
    def test_write_without_right_faults(self):
        done = subprocess.run(
            [f"{os.environ['IA2_TEST_OUT']}/keys"], capture_output=True, text=True
        )
        self.assertEqual(
            (done.returncode, done.stdout), (-11, "read 1 with key 1\nSEGV_PKUERR key 1\n")
        )
