"""scripts/run-in-vm: streams, statuses, limits and errors, as seen by its caller."""

import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

RUN = str(pathlib.Path(os.environ["IA2_SOURCE"]) / "scripts" / "run-in-vm")
TIMEOUT = 180


def in_vm(*command, options=(), **more):
    more.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        [RUN, "--timeout", "120", *options, "--", *command], capture_output=True, text=True, **more
    )


class Statuses(unittest.TestCase):
    def test_status_and_both_streams(self):
        done = in_vm("sh", "-c", "echo out; echo err >&2; echo again >/dev/stderr; exit 7")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, "out\n", "err\nagain\n"))

    def test_signal(self):
        self.assertEqual(in_vm("sh", "-c", "kill -SEGV $$").returncode, 128 + signal.SIGSEGV)

    def test_command_not_found(self):
        done = in_vm("no-such-command")
        self.assertEqual(done.returncode, 127)
        self.assertIn("cannot run no-such-command: No such file", done.stderr)

    def test_time_limit(self):
        began = time.monotonic()
        done = in_vm("sleep", "1000", options=["--timeout", "6"])
        self.assertEqual(done.returncode, 124)
        self.assertIn("time limit of 6 s reached", done.stderr)
        self.assertLess(time.monotonic() - began, 20)

    def test_time_limit_stops_a_kernel_that_does_not_answer(self):
        done = in_vm(
            "sh", "-c", "trap '' INT TERM HUP; while :; do :; done", options=["--timeout", "6"]
        )
        self.assertEqual(done.returncode, 124)

    def test_kernel_warning_is_a_failure(self):
        done = in_vm("sh", "-c", "echo '<4>WARNING: planted by the test' >/dev/kmsg; exit 0")
        self.assertEqual(done.returncode, 125)
        self.assertIn("the kernel complained: WARNING: planted by the test", done.stderr)

    def test_kernel_panic_is_reported(self):
        done = in_vm("sh", "-c", "echo c >/proc/sysrq-trigger")
        self.assertEqual(done.returncode, 125)
        self.assertIn("the VM stopped while the command ran", done.stderr)
        self.assertIn("sysrq triggered crash", done.stderr)


class Streams(unittest.TestCase):
    def test_stdin(self):
        text = "".join(f"line {i}\n" for i in range(50000))
        done = in_vm("cat", stdin=None, input=text)
        self.assertEqual((done.returncode, done.stdout), (0, text))

    def test_much_output_is_complete(self):
        done = in_vm("sh", "-c", "seq 300000; seq 100000 >&2")
        self.assertEqual(done.stdout, "".join(f"{i}\n" for i in range(1, 300001)))
        self.assertEqual(done.stderr, "".join(f"{i}\n" for i in range(1, 100001)))

    def test_one_pipe_for_both_keeps_the_order(self):
        script = "for i in $(seq 2000); do echo out $i; echo err $i >&2; done"
        done = subprocess.run(
            [RUN, "--timeout", "120", "--", "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        expected = "".join(f"out {i}\nerr {i}\n" for i in range(1, 2001))
        self.assertEqual(done.stdout, expected)

    def test_output_comes_while_the_command_runs(self):
        with subprocess.Popen(
            [RUN, "--timeout", "60", "--", "sh", "-c", "echo first; exec sleep 1000"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as process:
            self.assertEqual(process.stdout.readline(), b"first\n")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(30), 128 + signal.SIGTERM)

    def test_interrupt_reaches_the_command(self):
        script = "trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.1; done"
        with subprocess.Popen(
            [RUN, "--timeout", "60", "--", "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.stdout.read(), b"interrupted\n")
            self.assertEqual(process.wait(30), 3)


class Files(unittest.TestCase):
    def test_root_is_this_machine_and_stays_as_it_is(self):
        with tempfile.TemporaryDirectory(dir=os.environ["IA2_TEST_OUT"]) as folder:
            there = pathlib.Path(folder, "there")
            there.write_text("host\n")
            done = in_vm(
                "sh",
                "-c",
                "pwd; cat there; echo guest >there; echo guest >new; cat there new",
                cwd=folder,
            )
            self.assertEqual((done.returncode, done.stdout), (0, f"{folder}\nhost\nguest\nguest\n"))
            self.assertEqual(os.listdir(folder), ["there"])
            self.assertEqual(there.read_text(), "host\n")

    def test_writable_directory(self):
        for parent in (os.environ["IA2_TEST_OUT"], "/tmp"):
            with self.subTest(parent=parent), tempfile.TemporaryDirectory(dir=parent) as folder:
                done = in_vm(
                    "sh",
                    "-c",
                    f"echo kept >{folder}/new && echo lost >{folder}/../ia2-lost",
                    options=["--writable", folder],
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(pathlib.Path(folder, "new").read_text(), "kept\n")
                self.assertFalse(pathlib.Path(parent, "ia2-lost").exists())

    def test_scratch_space_is_a_tmpfs(self):
        done = in_vm("stat", "-f", "-c", "%T", "/tmp", "/dev/shm")
        self.assertEqual(done.stdout.split(), ["tmpfs", "tmpfs"], done.stderr)

    def test_what_the_command_line_names_in_tmp_is_there(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            pathlib.Path(folder, "file").write_text("x\n")
            self.assertEqual(in_vm("cat", f"{folder}/file").stdout, "x\n")

    def test_environment(self):
        done = in_vm(
            "sh",
            "-c",
            "echo $ONE $TWO",
            options=["--env", "TWO=2 and 3"],
            env={**os.environ, "ONE": "1"},
        )
        self.assertEqual(done.stdout, "1 2 and 3\n", done.stderr)


class Errors(unittest.TestCase):
    def test_no_qemu(self):
        done = in_vm("true", env={**os.environ, "PATH": "/nonexistent"})
        self.assertEqual(done.returncode, 125)
        self.assertIn("qemu-system-x86_64 not found", done.stderr)
        self.assertIn("remedy: run scripts/setup", done.stderr)

    def test_no_kernel_to_be_had(self):
        """Neither a kernel made before, nor one in /boot, nor apt lists, nor a network."""
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder, "apt.conf")
            config.write_text(
                f'Dir::State "{folder}";\nDir::Etc "{folder}";\nDir::Cache "{folder}";\n'
            )
            script = (
                "from ia2.vm import vm, vm_image\nvm_image._installed_kernel = lambda *_: None\n"
                "try: vm.run(['true'])\nexcept vm.VmError as error: print(error)"
            )
            done = subprocess.run(
                ["/usr/bin/python3", "-c", script],
                capture_output=True,
                text=True,
                env={**os.environ, "IA2_BUILD": folder, "APT_CONFIG": str(config)},
            )
        self.assertIn("cannot get the VM's kernel", done.stdout, done.stderr)
        self.assertIn("remedy: connect to the network", done.stdout)

    def test_bad_cpu(self):
        done = in_vm("true", options=["--cpu", "no-such-model"])
        self.assertEqual(done.returncode, 125)
        self.assertIn("no-such-model", done.stderr)

    def test_kernel_of_another_series(self):
        for series in ("6.1", "6.12"):
            done = in_vm("uname", "-r", options=["--kernel", series])
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.startswith(series + "."), done.stdout)

    def test_unknown_kernel(self):
        done = in_vm("true", env={**os.environ, "IA2_VM_KERNEL": "2.4"})
        self.assertEqual(done.returncode, 125)
        self.assertIn("no kernel '2.4' is known", done.stderr)
        self.assertIn("remedy: one of 6.1, 6.12", done.stderr)

    def test_writable_must_exist(self):
        done = in_vm("true", options=["--writable", "/no/such/folder"])
        self.assertEqual(done.returncode, 125)
        self.assertIn("cannot make /no/such/folder writable", done.stderr)


if __name__ == "__main__":
    unittest.main()
