/* class: plugins
 * source: the threat model's "its name never brings another file"
 * tries: to load another file that says it is the plugin by its own path, and by a link
 * must: run it as a guest of the attacker at most, without the plugin's key
 * attackers: 2
 * expect: stopped */
#include "attack.h"
#include <dlfcn.h>

ATTACK
{
    char path[4200], folder[4096];
    if (!getcwd(folder, sizeof folder))
        cannot("no working directory");
    symlink("evil.ia2.so", "blur.so");
    snprintf(path, sizeof path, "%s/blur.so", folder);
    for (int i = 0; i < 2; i++) {
        int status, child = fork();
        if (!child) {
            void *handle = dlopen(i ? "./evil.ia2.so" : path, RTLD_NOW);
            long (*entry)(long) = handle ? (long (*)(long))dlsym(handle, "filter_entry") : NULL;
            if (entry)
                entry(7);
            SYS(SYS_exit_group, 0);
        }
        waitpid(child, &status, 0);
    }
    if (victim_load_plugin() == -1)
        effect("the program loads another file");
}
