/* What a program can ask about its destructors, and that it may not change it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ia2.h"
#include "ia2_destructors.h"
#include "dl_debug.h"

#define CHECK(x) do { if (!(x)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); exit(1); } } while (0)

static int imported = -1;
static void by_hand(void) {}

/* A hand-written table, before main. */
__attribute__((constructor)) static void import(void)
{
    static const struct ia2_static_destructor_entry entries[] = {{"by_hand", by_hand, PKEY}};
    static const struct ia2_static_destructor_table table = {"main", PKEY, 1, entries};
    imported = ia2_import_static_destructor_table(&table);
    struct ia2_static_destructor_table wrong = table;
    wrong.compartment_id = 16;
    CHECK(ia2_import_static_destructor_table(&wrong) == -1 && errno == EINVAL);
    CHECK(ia2_import_static_destructor_table(NULL) == -1 && errno == EINVAL);
    wrong = table;
    wrong.count = IA2_DESTRUCTORS_MAX + 1;
    CHECK(ia2_import_static_destructor_table(&wrong) == -1 && errno == ENOSPC);
}

/* destructor main_cleanup */
__attribute__((destructor)) void main_cleanup(void) {}
/* destructor main_second */
__attribute__((destructor)) void main_second(void) {}

static void metadata_smoke(void)
{
    size_t count;
    CHECK(imported == 0);
    const struct ia2_destructor_metadata *all = ia2_get_destructor_metadata(&count);
    CHECK(count == 5 && all);
    const struct ia2_destructor_metadata *it = ia2_destructor_lookup((void *)main_cleanup);
    CHECK(it && it->compartment_id == PKEY && !strcmp(it->symbol_name, "main_cleanup") && it->function == (void *)main_cleanup);
    it = ia2_destructor_lookup((void *)by_hand);
    CHECK(it && !strcmp(it->symbol_name, "by_hand"));
    CHECK(!ia2_destructor_lookup(NULL) && !ia2_destructor_lookup((char *)main_cleanup + 1) && !ia2_destructor_lookup(library_function()));
    const struct ia2_static_destructor_entry entry = {"too late", by_hand, PKEY};
    const struct ia2_static_destructor_table table = {"main", PKEY, 1, &entry};
    CHECK(ia2_import_static_destructor_table(&table) == -1 && errno == EPERM);
    CHECK(!ia2_destructor_runtime_init());
    puts("[phase0] metadata_smoke");
}

static void metadata_json_export(void)
{
    FILE *file = tmpfile();
    char text[2048];
    CHECK(file && !ia2_emit_metadata_json(file));
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    CHECK(strstr(text, "{\"symbol\": \"main_cleanup\", \"compartment\": \"dl_debug_exit_phase0\", \"compartment_id\": 1}"));
    CHECK(strstr(text, "{\"symbol\": \"library_cleanup\", \"compartment\": \"dl_debug_library\", \"compartment_id\": 2}"));
    fclose(file);
    puts("[phase0] metadata_json_export");
}

static void basic_compartment_check(void)
{
    CHECK(ia2_get_compartment() == PKEY && library_value() == 'l' && ia2_get_compartment() == PKEY);
    /* Not the runtime's records, or not from here. */
    struct exit_record mine = {.function = by_hand, .compartment_id = 2, .state = IA2_EXIT_ARMED};
    CHECK(ia2_run_destructor(&mine) == -1 && errno == EINVAL);
    CHECK(ia2_run_destructor(NULL) == -1 && errno == EINVAL);
    puts("[phase0] basic_compartment_check");
}

int main(void)
{
    metadata_smoke();
    metadata_json_export();
    basic_compartment_check();
    return 0;
}
