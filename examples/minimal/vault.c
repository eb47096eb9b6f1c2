/* The library: it keeps a secret. */

static char secret[] = "swordfish";

int vault_opens(const char *guess) {
    for (int i = 0; guess[i] == secret[i]; i++)
        if (!secret[i])
            return 1;
    return 0;
}

/* A mistake: anyone can learn where the secret lies. */
const char *vault_address(void) {
    return secret;
}
