/* DynamoDB's expressions, parsed and applied to an item: the first byte chooses condition, update,
 * projection or a number. What an update made must survive being stored and read back. */
#include "fuzz.h"

#include "services/dynamodb/expr.h"
#include "services/dynamodb/number.h"

static const char item_text[] =
    "{\"id\":{\"S\":\"k1\"},\"n\":{\"N\":\"5\"},\"tags\":{\"SS\":[\"a\",\"b\"]},"
    "\"l\":{\"L\":[{\"N\":\"1\"},{\"M\":{\"x\":{\"N\":\"3\"}}},{\"L\":[{\"S\":\"s\"}]}]},"
    "\"m\":{\"M\":{\"a\":{\"M\":{\"b\":{\"BOOL\":true}}}}},\"bin\":{\"B\":\"AAE=\"}}";
static const char value_text[] =
    "{\":n\":{\"N\":\"9e125\"},\":s\":{\"S\":\"a\"},\":l\":{\"L\":[{\"S\":\"x\"}]},"
    "\":set\":{\"SS\":[\"a\",\"c\"]},\":m\":{\"M\":{\"x\":{\"NULL\":true}}},\":one\":{\"N\":\"-1."
    "5\"}}";

static struct ddb_map map_of(struct arena *a, const char *text) {
    struct ddb_map map;
    struct err err = ERR_INIT;
    FUZZ_MUST(ddb_map_read(a, str_c(text), &map, &err) == 0);
    return map;
}

static void condition(struct arena *a, struct str text, struct ddb_names *names) {
    struct err err = ERR_INIT;
    struct ddb_node *node = NULL;
    struct ddb_map item = map_of(a, item_text);
    struct ddb_map none = {0};
    if (ddb_parse_condition(a, "ConditionExpression", text, names, &node, &err) < 0) {
        FUZZ_MUST(err.kind == ERR_INVALID && err.msg[0] != '\0');
        return;
    }
    ddb_condition_holds(a, node, &item);
    ddb_condition_holds(a, node, &none);
    ddb_condition_uses(node, S("id"));
}

static void update(struct arena *a, struct str text, struct ddb_names *names) {
    struct err err = ERR_INIT;
    struct ddb_update u;
    struct ddb_map item = map_of(a, item_text);
    if (ddb_parse_update(a, text, names, &u, &err) < 0 ||
        ddb_update_apply(a, &u, &item, &err) < 0) {
        FUZZ_MUST(err.kind == ERR_INVALID && err.msg[0] != '\0');
        return;
    }
    struct ddb_value whole = {.type = DDB_M, .map = item};
    struct ddb_value again = {.type = DDB_M};
    FUZZ_MUST(ddb_map_read(a, ddb_map_write(a, &item), &again.map, &err) == 0);
    FUZZ_MUST(ddb_value_eq(&whole, &again));
}

static void projection(struct arena *a, struct str text, struct ddb_names *names) {
    struct err err = ERR_INIT;
    struct ddb_projection p;
    struct ddb_map item = map_of(a, item_text);
    if (ddb_parse_projection(a, text, names, &p, &err) < 0) {
        FUZZ_MUST(err.kind == ERR_INVALID && err.msg[0] != '\0');
        return;
    }
    struct ddb_map shown = ddb_project(a, &p, &item);
    FUZZ_MUST(ddb_map_size(&shown) <= ddb_map_size(&item));
}

/* A number's text is a number again, equal to it; so is its sum with nothing. */
static void number(struct arena *a, struct str text) {
    struct err err = ERR_INIT;
    struct ddb_number n;
    struct ddb_number again;
    struct ddb_number zero = {0};
    if (ddb_number_parse(text, &n, &err) < 0) {
        return;
    }
    FUZZ_MUST(ddb_number_parse(ddb_number_text(a, &n), &again, &err) == 0);
    FUZZ_MUST(ddb_number_cmp(&n, &again) == 0);
    FUZZ_MUST(ddb_number_add(&n, &zero, true, &again, &err) == 0);
    FUZZ_MUST(ddb_number_cmp(&n, &again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct str_pair name = {S("#n"), S("name")};
    if (size > 0) {
        struct str text = fuzz_str(data + 1, size - 1);
        struct ddb_names names = {.names = {&name, 1}, .values = map_of(&a, value_text)};
        ddb_names_init(&a, &names);
        switch (data[0] % 4) {
        case 0:
            condition(&a, text, &names);
            break;
        case 1:
            update(&a, text, &names);
            break;
        case 2:
            projection(&a, text, &names);
            break;
        default:
            number(&a, text);
            break;
        }
    }
    arena_done(&a);
    return 0;
}
