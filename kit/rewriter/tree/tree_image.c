/* The block that a tree lies in. */
#include "tree_image.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"

static const char magic[8] = "IA2tree1";

const size_t tree_entry_sizes[TREE_SECTIONS] = {[TREE_NODES] = sizeof(struct tree_node),
                                                [TREE_EXTENTS] = sizeof(struct tree_extent),
                                                [TREE_DECLARATIONS] =
                                                    sizeof(struct tree_declaration),
                                                [TREE_TYPES] = sizeof(struct tree_type),
                                                [TREE_ARGUMENTS] = sizeof(uint32_t),
                                                [TREE_PLACES] = sizeof(struct tree_place),
                                                [TREE_FILES] = sizeof(struct tree_file),
                                                [TREE_CONSTANTS] = sizeof(int64_t),
                                                [TREE_NAMES] = sizeof(struct tree_name),
                                                [TREE_TEXT] = 1,
                                                [TREE_INCLUSIONS] = sizeof(struct tree_inclusion),
                                                [TREE_LACKING] = sizeof(uint64_t),
                                                [TREE_PROBES] = sizeof(struct tree_probe)};

const struct tree_type tree_no_type = {
    .size = CXTypeLayoutError_Invalid, .align = CXTypeLayoutError_Invalid, .count = -1};

uint64_t tree_name_hash(const char *name)
{
    const uint64_t hash = hash_bytes(name, strlen(name));
    return hash ? hash : 1;
}

static uint64_t checksum_of(const struct tree_header *header)
{
    const size_t start = offsetof(struct tree_header, checksum) + sizeof(header->checksum);
    return hash_bytes((const char *)header + start, header->size - start);
}

struct tree_header *tree_assemble(const struct table tables[TREE_SECTIONS], uint64_t key,
                                  unsigned vector_bytes)
{
    struct tree_header made = {.size = sizeof(made), .key = key, .vector_bytes = vector_bytes};
    memcpy(made.magic, magic, sizeof(magic));
    for (int i = 0; i < TREE_SECTIONS; i++) {
        made.sections[i].offset = made.size;
        made.sections[i].count = tables[i].count;
        made.size += (tables[i].count * tree_entry_sizes[i] + 7) & ~7ull;
    }
    struct tree_header *const header = must_alloc(made.size);
    *header = made;
    for (int i = 0; i < TREE_SECTIONS; i++)
        if (tables[i].count)
            memcpy((char *)header + made.sections[i].offset, tables[i].data,
                   tables[i].count * tree_entry_sizes[i]);
    header->checksum = checksum_of(header);
    return header;
}

size_t tree_count(const struct tree *tree, enum tree_section section)
{
    return (size_t)tree->header->sections[section].count;
}

const char *tree_name(const struct tree *tree, uint32_t name)
{
    if (!name)
        return intern("");
    const struct tree_name *const entry = &tree->names[name];
    if (!tree->interned[name])
        tree->interned[name] = intern_n(tree->text + entry->offset, entry->length);
    return tree->interned[name];
}

/* ---- checks: no position leads out of its table, and none of a node's children or successors back
 * ---- */

static bool in(const struct tree *tree, enum tree_section section, uint64_t position)
{
    return position < tree->header->sections[section].count;
}

static bool is_location(const struct tree *tree, uint32_t location)
{
    if (location & MACRO_LOCATION)
        return in(tree, TREE_PLACES, location & ~MACRO_LOCATION);
    const struct tree_file *const last = &tree->files[tree_count(tree, TREE_FILES) - 1];
    return !location ||
           (tree_count(tree, TREE_FILES) > 1 && location <= (uint64_t)last->base + last->size);
}

static bool check_nodes(const struct tree *tree)
{
    const size_t count = tree_count(tree, TREE_NODES);
    for (size_t i = 0; i < count; i++) {
        const struct tree_node *const node = &tree->nodes[i];
        if (!in(tree, TREE_TYPES, node->type) || !in(tree, TREE_NODES, node->child) ||
            !in(tree, TREE_NODES, node->next) || (node->child && node->child <= i) ||
            (node->next && node->next <= i) || !is_location(tree, node->location) ||
            !in(tree, TREE_EXTENTS, node->extent) ||
            !in(tree, node->flags & NODE_DECLARES ? TREE_DECLARATIONS : TREE_NODES,
                node->reference) ||
            !in(tree, node->flags & NODE_CONSTANT ? TREE_CONSTANTS : TREE_NAMES, node->value))
            return false;
    }
    for (size_t i = 0; i < tree_count(tree, TREE_EXTENTS); i++)
        if (!is_location(tree, tree->extents[i].begin) || !is_location(tree, tree->extents[i].end))
            return false;
    return count > ROOT_NODE;
}

static bool check_list(const struct tree *tree, uint64_t first, uint64_t count,
                       enum tree_section of)
{
    if (first + count > tree_count(tree, TREE_ARGUMENTS))
        return false;
    for (uint64_t i = first; i < first + count; i++)
        if (!in(tree, of, tree->arguments[i]))
            return false;
    return true;
}

static bool check_declarations(const struct tree *tree)
{
    for (size_t i = 0; i < tree_count(tree, TREE_DECLARATIONS); i++) {
        const struct tree_declaration *const declaration = &tree->declarations[i];
        if (!in(tree, TREE_NAMES, declaration->name) ||
            !in(tree, TREE_NAMES, declaration->symbol) ||
            !in(tree, TREE_NODES, declaration->canonical) ||
            !in(tree, TREE_NODES, declaration->definition) ||
            !in(tree, TREE_NODES, declaration->parent) ||
            !in(tree, TREE_NODES, declaration->initializer) ||
            !check_list(tree, declaration->arguments, declaration->argument_count, TREE_NODES))
            return false;
    }
    return true;
}

static bool check_types(const struct tree *tree)
{
    for (size_t i = 0; i < tree_count(tree, TREE_TYPES); i++) {
        const struct tree_type *const type = &tree->types[i];
        if (!in(tree, TREE_TYPES, type->canonical) || !in(tree, TREE_TYPES, type->unqualified) ||
            !in(tree, TREE_TYPES, type->inner) || !in(tree, TREE_NODES, type->declaration) ||
            !in(tree, TREE_NAMES, type->text) ||
            !check_list(tree, type->arguments, type->argument_count, TREE_TYPES))
            return false;
    }
    return true;
}

static bool is_spot(const struct tree *tree, uint32_t file, uint32_t offset)
{
    return in(tree, TREE_FILES, file) && offset <= tree->files[file].size;
}

static bool check_files(const struct tree *tree)
{
    for (size_t i = 0; i < tree_count(tree, TREE_FILES); i++) {
        const struct tree_file *const file = &tree->files[i];
        if (!in(tree, TREE_NAMES, file->name) || !in(tree, TREE_NAMES, file->real_name) ||
            !in(tree, TREE_NAMES, file->resolved) ||
            (i && file->base <= (uint64_t)file[-1].base + (i > 1 ? file[-1].size : 0)) ||
            file->base + (uint64_t)file->size >= MACRO_LOCATION)
            return false;
    }
    for (size_t i = 0; i < tree_count(tree, TREE_PLACES); i++) {
        const struct tree_place *const place = &tree->places[i];
        if (!is_spot(tree, place->spelling_file, place->spelling_offset) ||
            !is_spot(tree, place->seen_file, place->seen_offset) ||
            !is_spot(tree, place->expansion_file, place->expansion_offset))
            return false;
    }
    for (size_t i = 0; i < tree_count(tree, TREE_INCLUSIONS); i++)
        if (!in(tree, TREE_FILES, tree->inclusions[i].file) ||
            !is_location(tree, tree->inclusions[i].from))
            return false;
    return true;
}

static bool check_names(const struct tree *tree)
{
    for (size_t i = 0; i < tree_count(tree, TREE_NAMES); i++)
        if ((uint64_t)tree->names[i].offset + tree->names[i].length > tree_count(tree, TREE_TEXT))
            return false;
    for (size_t i = 0; i < tree_count(tree, TREE_PROBES); i++)
        if (!in(tree, TREE_NAMES, tree->probes[i].directory) ||
            !in(tree, TREE_NAMES, tree->probes[i].name))
            return false;
    return true;
}

static bool check_sections(const struct tree_header *header, size_t size)
{
    if (size < sizeof(*header) || memcmp(header->magic, magic, sizeof(magic)) ||
        header->size != size)
        return false;
    for (int i = 0; i < TREE_SECTIONS; i++) {
        const uint64_t offset = header->sections[i].offset, count = header->sections[i].count;
        if (offset % 8 || offset > size || count > (size - offset) / tree_entry_sizes[i] ||
            (i != TREE_TEXT && i < TREE_INCLUSIONS && !count))
            return false;
    }
    return header->checksum == checksum_of(header);
}

static const void *section(const struct tree_header *header, enum tree_section which)
{
    return (const char *)header + header->sections[which].offset;
}

const struct tree *tree_open(struct tree_header *block, size_t size)
{
    if (!check_sections(block, size)) {
        free(block);
        return NULL;
    }
    struct tree *const tree = must_alloc(sizeof(*tree));
    *tree = (struct tree){.header = block,
                          .nodes = section(block, TREE_NODES),
                          .extents = section(block, TREE_EXTENTS),
                          .declarations = section(block, TREE_DECLARATIONS),
                          .types = section(block, TREE_TYPES),
                          .arguments = section(block, TREE_ARGUMENTS),
                          .places = section(block, TREE_PLACES),
                          .files = section(block, TREE_FILES),
                          .constants = section(block, TREE_CONSTANTS),
                          .names = section(block, TREE_NAMES),
                          .text = section(block, TREE_TEXT),
                          .inclusions = section(block, TREE_INCLUSIONS),
                          .lacking = section(block, TREE_LACKING),
                          .probes = section(block, TREE_PROBES)};
    if (!check_files(tree) || !check_names(tree) || !check_nodes(tree) ||
        !check_declarations(tree) || !check_types(tree)) {
        free(block);
        free(tree);
        return NULL;
    }
    tree->interned = must_alloc(tree_count(tree, TREE_NAMES) * sizeof(*tree->interned));
    return tree;
}

void tree_close(const struct tree *tree)
{
    if (!tree)
        return;
    free(tree->interned);
    free((void *)(uintptr_t)tree->header);
    free((void *)(uintptr_t)tree);
}
