"""The runner of the kit's tests: a pytest plugin, and the processes that the tests run in.

`scripts/check` starts it. CONTRIBUTING.md says what a test module is and which options there are.
"""
