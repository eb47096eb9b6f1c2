#include "flow.h"

#include <stdlib.h>

#include "base/intern.h"

struct item {
    /* A value; a variable that may be the memory; memory that may be the variable; a call; a
     * function. */
    enum { STORED, VARIABLE, MEMORY, CALL, FUNCTION } kind;
    struct unit *unit;
    struct cursor cursor; /* MEMORY: the expression that takes the variable's address */
    struct type type; /* of the object that is stored to, or that has its address taken */
};

struct items {
    struct item *list;
    size_t count, capacity;
};

/* Pointers of one type in one place. A parameter's function is looked for when it is followed. */
struct flow_node {
    unsigned compartment;
    const void *place;
    const char *type;
    struct unit *unit; /* of `parameter` */
    struct cursor parameter; /* or the null cursor */
};

static void add(struct map *map, const void *place, struct item item)
{
    struct items *items = map_get(map, key_of(place));
    if (!items)
        map_put(map, key_of(place), items = must_alloc(sizeof(*items)));
    *PUSH(items->list, items->count, items->capacity) = item;
}

/* Each type of pointer that an object of a type holds. */
struct pointers {
    struct unit *unit;
    void (*each)(void *data, const char *type);
    void *data;
};

static void each_pointer(struct pointers *pointers, struct type type);

static enum CXVisitorResult in_field(struct cursor field, void *data)
{
    each_pointer(data, cursor_type(field));
    return CXVisit_Continue;
}

static void each_pointer(struct pointers *pointers, struct type type)
{
    type = without_atomic(type);
    if (is_array(type))
        each_pointer(pointers, type_element(type));
    else if (type.kind == CXType_Record)
        type_visit_fields(type, in_field, pointers);
    else if (type.kind == CXType_Pointer)
        pointers->each(pointers->data, type_spelling(pointers->unit, type));
}

static void store(void *data, const char *type)
{
    const struct item *const item = data;
    add(&item->unit->program->flow->values_by_place[item->unit->plan->compartment], type, *item);
}

static struct type pointee_of(struct cursor address)
{
    return type_pointee(type_canonical(cursor_type(address)));
}

/* A function whose address is taken: by its type, and what type it can be called as. */
static void index_designator(struct unit *unit, const struct designator *designator)
{
    struct flow_index *const flow = unit->program->flow;
    const unsigned key = unit->plan->compartment;
    const void *const function = flow_place(designator->function);
    if (designator->callee || in_system_header(designator->function) ||
        !map_add(&flow->addressed_functions[key], key_of(function)))
        return;
    const char *const type = flow_pointer_type(unit, cursor_type(designator->function));
    add(&flow->functions_by_type[key], type,
        (struct item){.kind = FUNCTION, .unit = unit, .cursor = designator->function});
}

void flow_index_values(struct program *program)
{
    struct flow_index *const flow = program->flow = must_alloc(sizeof(*flow));
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        const unsigned key = unit->plan->compartment;
        for (size_t i = 0; i < unit->flow_count; i++) {
            const struct flow *const stored = &unit->flows[i];
            struct item item = {STORED, unit, stored->value, stored->type};
            if (stored->place)
                add(&flow->values_by_place[key], stored->place, item);
            else
                each_pointer(&(struct pointers){unit, store, &item}, stored->type);
        }
        for (size_t i = 0; i < unit->address_count; i++) {
            const struct address *const taken = &unit->addresses[i];
            if (!flow_is_variable(taken->variable))
                continue;
            struct item item = {VARIABLE, unit, taken->variable, pointee_of(taken->cursor)};
            each_pointer(&(struct pointers){unit, store, &item}, item.type);
            add(&flow->values_by_place[key], flow_place(taken->variable),
                (struct item){MEMORY, unit, taken->cursor, item.type});
        }
        for (size_t i = 0; i < unit->any_call_count; i++)
            add(&flow->calls_by_callee[key], unit->any_calls[i].function,
                (struct item){.kind = CALL, .unit = unit, .cursor = unit->any_calls[i].cursor});
        for (size_t i = 0; i < unit->designator_count; i++)
            index_designator(unit, &unit->designators[i]);
    }
}

static void reach(struct flow_index *flow, unsigned compartment, const void *place,
                  const char *type, struct unit *unit, struct cursor parameter)
{
    if (map_add(&flow->reached_places[compartment],
                key_of(intern_format("%p %p", place, (const void *)type))))
        *PUSH(flow->waiting, flow->waiting_count, flow->waiting_capacity) =
            (struct flow_node){compartment, place, type, unit, parameter};
}

static void reach_memory(struct flow_index *flow, unsigned compartment, const char *type)
{
    reach(flow, compartment, type, type, NULL, no_cursor());
}

static void reach_variable(struct unit *unit, struct cursor variable, const char *type)
{
    const bool parameter = cursor_kind(variable) == CXCursor_ParmDecl;
    reach(unit->program->flow, unit->plan->compartment, flow_place(variable), type, unit,
          parameter ? variable : no_cursor());
}

/* How a value is followed. `only`: of a record, this type of pointer; NULL: all. */
struct value {
    struct program *program;
    struct unit *unit;
    flow_take *take;
    const char *only;
};

static void follow(const struct value *context, struct cursor value);

static enum CXChildVisitResult follow_operand(struct cursor child, struct cursor parent, void *data)
{
    (void)parent;
    if (clang_isExpression(cursor_kind(child)))
        follow(data, child);
    return CXChildVisit_Continue;
}

static void follow_all(const struct value *context, struct cursor expression)
{
    cursor_visit(expression, follow_operand, (void *)context);
}

/* An element of an initializer has the type of the member that it initializes. */
static enum CXChildVisitResult follow_element(struct cursor child, struct cursor parent, void *data)
{
    const struct value *const context = data;
    (void)parent;
    if (cursor_kind(child) == CXCursor_UnexposedExpr &&
        !cursor_equal(first_child(child), last_expression(child)))
        child = last_expression(child); /* .member = value, [n] = value */
    const struct type type = type_canonical(cursor_type(child));
    if (clang_isExpression(cursor_kind(child)) &&
        (type.kind != CXType_Pointer || !context->only ||
         type_spelling(context->unit, type) == context->only))
        follow(context, child);
    return CXChildVisit_Continue;
}

/* Places that hold a record, or a pointer. */
struct contents {
    const struct value *context;
    struct cursor variable, function; /* one of them, or memory */
};

static void reach_contents(void *data, const char *type)
{
    const struct contents *const contents = data;
    const struct value *const context = contents->context;
    const unsigned key = context->unit->plan->compartment;
    if (context->only && type != context->only)
        return;
    if (!cursor_is_null(contents->variable))
        reach_variable(context->unit, contents->variable, type);
    else if (!cursor_is_null(contents->function))
        reach(context->program->flow, key, flow_place(contents->function), type, NULL, no_cursor());
    else
        reach_memory(context->program->flow, key, type);
}

static void follow_places(const struct value *context, struct type type, struct cursor variable,
                          struct cursor function)
{
    /* Of a pointer there is only one type. */
    const struct value whole = {context->program, context->unit, context->take, NULL};
    struct contents contents = {type_canonical(type).kind == CXType_Record ? context : &whole,
                                variable, function};
    each_pointer(&(struct pointers){context->unit, reach_contents, &contents}, type);
}

/* The address of an lvalue. */
static void follow_address(const struct value *context, struct cursor lvalue, struct cursor cause)
{
    const struct cursor variable = base_variable(lvalue);
    if (cursor_is_null(variable)) {
        const struct cursor pointer = flow_pointer_to(lvalue);
        if (!cursor_is_null(pointer))
            follow(context, pointer);
    } else {
        context->take(context->program, context->unit, variable, cause);
    }
}

/* What is read from an lvalue. */
static void follow_contents(const struct value *context, struct cursor lvalue)
{
    const struct cursor variable = base_variable(lvalue);
    if (!cursor_is_null(variable) && !flow_is_variable(variable)) /* a compound literal */
        follow_all(context, variable);
    else
        follow_places(context, cursor_type(lvalue), variable, no_cursor());
}

static void follow_operator(const struct value *context, struct cursor expression)
{
    switch (cursor_unary_operator(expression)) {
    case CXUnaryOperator_AddrOf:
        follow_address(context, first_child(expression), expression);
        break;
    case CXUnaryOperator_Deref:
        follow_contents(context, expression);
        break;
    default:
        follow_all(context, expression);
        break; /* ++, --, __extension__ */
    }
}

static void follow_binary(const struct value *context, struct cursor expression)
{
    switch (cursor_binary_operator(expression)) {
    case CXBinaryOperator_Assign:
    case CXBinaryOperator_Comma:
        follow(context, last_expression(expression));
        break;
    case CXBinaryOperator_Add:
    case CXBinaryOperator_Sub:
        follow_all(context, expression);
        break;
    default:
        break;
    }
}

static void follow_call(const struct value *context, struct cursor call)
{
    const struct cursor function = named_function(first_child(call)), nothing = no_cursor();
    if (!cursor_is_null(function)) {
        follow_places(context, cursor_type(call), nothing, function);
        return;
    }
    const char *const type = flow_called_type(context->unit, call);
    const struct items *const functions =
        type ? map_get(&context->program->flow->functions_by_type[context->unit->plan->compartment],
                       key_of(type))
             : NULL;
    for (size_t i = 0; functions && i < functions->count; i++)
        follow_places(context, cursor_type(call), nothing, functions->list[i].cursor);
}

/* What an atomic operation read from its object. */
static void follow_atomic(const struct value *context, struct cursor address)
{
    const struct cursor object = operand_of_address(address);
    if (cursor_is_null(object))
        follow_places(context, type_pointee(type_canonical(cursor_type(address))), object, object);
    else
        follow_contents(context, object);
}

static void follow(const struct value *context, struct cursor value)
{
    const struct cursor inner = strip_casts(value);
    struct cursor operands[ATOMIC_OPERANDS];
    if (atomic_operands(inner, operands)) {
        follow_atomic(context, operands[0]);
        return;
    }
    if (is_array(expression_type(inner)) && cursor_kind(inner) != CXCursor_InitListExpr) {
        follow_address(context, inner, inner);
        return;
    }
    if (!flow_holds_addresses(cursor_type(inner)))
        return;
    switch (cursor_kind(inner)) {
    case CXCursor_UnaryOperator:
        follow_operator(context, inner);
        break;
    case CXCursor_BinaryOperator:
        follow_binary(context, inner);
        break;
    case CXCursor_CallExpr:
        follow_call(context, inner);
        break;
    case CXCursor_InitListExpr:
        cursor_visit(inner, follow_element, (void *)context);
        break;
    case CXCursor_ConditionalOperator:
    case CXCursor_CompoundAssignOperator:
        follow_all(context, inner);
        break;
    case CXCursor_StmtExpr:
        follow(context, last_expression(first_child(inner)));
        break;
    default:
        follow_contents(context, inner);
        break;
    }
}

static const struct items *calls_of(const struct flow_index *flow, unsigned compartment,
                                    const void *function)
{
    static const struct items none;
    const struct items *const calls =
        map_get(&flow->calls_by_callee[compartment], key_of(function));
    return calls ? calls : &none;
}

/* The arguments that the calls of one function or one type give the parameter at a position. */
static void follow_argument(struct program *program, const struct flow_node *node,
                            const void *function, unsigned position, flow_take *take)
{
    const struct items *const calls = calls_of(program->flow, node->compartment, function);
    for (size_t i = 0; i < calls->count; i++)
        follow(&(struct value){program, calls->list[i].unit, take, node->type},
               cursor_argument(calls->list[i].cursor, position));
}

static void follow_arguments(struct program *program, const struct flow_node *node, flow_take *take)
{
    const struct cursor function = cursor_parent(node->parameter);
    const void *const place = flow_place(function);
    const unsigned position = parameter_position(node->parameter);
    follow_argument(program, node, place, position, take);
    if (map_get(&program->flow->addressed_functions[node->compartment], key_of(place)))
        follow_argument(program, node, flow_pointer_type(node->unit, cursor_type(function)),
                        position, take);
}

static void is_type(void *data, const char *type)
{
    const char **const wanted = data;
    if (type == *wanted)
        *wanted = NULL;
}

/* Whether an object of the type holds pointers of the type that is spelled so. */
static bool holds(struct unit *unit, struct type type, const char *wanted)
{
    each_pointer(&(struct pointers){unit, is_type, &wanted}, type);
    return !wanted;
}

static void follow_waiting(struct program *program, flow_take *take)
{
    struct flow_index *const flow = program->flow;
    while (flow->waiting_count) {
        const struct flow_node node = flow->waiting[--flow->waiting_count];
        const struct items *const items =
            map_get(&flow->values_by_place[node.compartment], key_of(node.place));
        for (size_t i = 0; items && i < items->count; i++) {
            const struct item *const item = &items->list[i];
            if (!holds(item->unit, item->type, node.type))
                continue;
            if (item->kind == VARIABLE)
                reach_variable(item->unit, item->cursor, node.type);
            else if (item->kind == MEMORY)
                reach_memory(flow, node.compartment, node.type);
            else
                follow(&(struct value){program, item->unit, take, node.type}, item->cursor);
        }
        if (!cursor_is_null(node.parameter))
            follow_arguments(program, &node, take);
    }
}

void flow_value(struct program *program, struct unit *unit, struct cursor value, flow_take *take)
{
    follow(&(struct value){program, unit, take, NULL}, value);
    follow_waiting(program, take);
}

size_t flow_stored(const struct unit *unit, struct cursor declaration, flow_each *each, void *data)
{
    const struct items *const items =
        map_get(&unit->program->flow->values_by_place[unit->plan->compartment],
                key_of(flow_place(declaration)));
    for (size_t i = 0; items && i < items->count; i++) {
        if (items->list[i].kind != STORED)
            return SIZE_MAX;
        if (each)
            each(data, items->list[i].unit, items->list[i].cursor);
    }
    return items ? items->count : 0;
}

void flow_calls(const struct unit *unit, struct cursor function, flow_each *each, void *data)
{
    const struct items *const calls =
        calls_of(unit->program->flow, unit->plan->compartment, flow_place(function));
    for (size_t i = 0; i < calls->count; i++)
        each(data, calls->list[i].unit, calls->list[i].cursor);
}

void flow_variable(struct program *program, struct unit *unit, struct cursor variable,
                   flow_take *take)
{
    const struct value context = {program, unit, take, NULL};
    follow_places(&context, cursor_type(variable), variable, no_cursor());
    follow_waiting(program, take);
}

static bool is_open(const struct program *program, unsigned compartment)
{
    return !plan_readable_by_all(&program->plan, compartment);
}

struct shared {
    const struct program *program;
    const char *name;
};

static void reach_shared(void *data, const char *type)
{
    const struct shared *const shared = data;
    for (unsigned key = 1; key <= shared->program->plan.compartment_count; key++)
        if (is_open(shared->program, key))
            reach(shared->program->flow, key, shared->name, type, NULL, no_cursor());
}

void flow_shared(struct program *program, struct unit *unit, struct cursor variable,
                 flow_take *take)
{
    struct shared shared = {program, cursor_name(variable)};
    each_pointer(&(struct pointers){unit, reach_shared, &shared}, cursor_type(variable));
    follow_waiting(program, take);
}

struct reachable {
    const struct program *program;
    struct unit *unit;
};

static void walk(const struct reachable *reachable, struct type type);

static enum CXVisitorResult walk_field(struct cursor field, void *data)
{
    walk(data, cursor_type(field));
    return CXVisit_Continue;
}

/* What an object of the type gives access to. */
static void walk(const struct reachable *reachable, struct type type)
{
    type = type_canonical(type);
    if (is_array(type)) {
        walk(reachable, type_element(type));
    } else if (type.kind == CXType_Record) {
        if (!in_system_header(type_declaration(type)) &&
            map_add(&reachable->program->flow->walked_types,
                    key_of(type_spelling(reachable->unit, type))))
            type_visit_fields(type, walk_field, (void *)reachable);
    } else if (type.kind == CXType_Pointer &&
               map_add(&reachable->program->flow->walked_types,
                       key_of(type_spelling(reachable->unit, type)))) {
        for (unsigned key = 1; key <= reachable->program->plan.compartment_count; key++)
            if (is_open(reachable->program, key))
                reach_memory(reachable->program->flow, key, type_spelling(reachable->unit, type));
        walk(reachable, type_pointee(type));
    }
}

void flow_reachable(struct program *program, struct unit *unit, struct type type, flow_take *take)
{
    type = type_canonical(type);
    walk(&(struct reachable){program, unit},
         type.kind == CXType_Pointer ? type_pointee(type) : type);
    follow_waiting(program, take);
}
