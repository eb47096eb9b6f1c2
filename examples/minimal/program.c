/* The program: asks the vault, or goes behind its back. */

#include <stdio.h>
#include <string.h>

int vault_opens(const char *guess);
const char *vault_address(void);

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s GUESS | --steal\n", argv[0]);
        return 2;
    }
    if (!strcmp(argv[1], "--steal")) {
        printf("the secret is %s\n", vault_address());
        return 0;
    }
    puts(vault_opens(argv[1]) ? "open" : "closed");
    return 0;
}
