/* DynamoDB's expressions: the first byte chooses condition, update or projection. */
#include "fuzz.h"

#include "services/dynamodb/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct str_pair name = {S("#n"), S("name")};
    struct ddb_names names = {.names = {&name, 1}};
    struct err err = ERR_INIT;
    if (size > 0) {
        struct str text = fuzz_str(data + 1, size - 1);
        struct ddb_node *node = NULL;
        ddb_names_init(&a, &names);
        if (data[0] % 2 == 0) {
            if (ddb_parse_condition(&a, "ConditionExpression", text, &names, &node, &err) == 0) {
                FUZZ_MUST(node != NULL);
            }
        } else {
            struct ddb_update update;
            if (ddb_parse_update(&a, text, &names, &update, &err) < 0) {
                FUZZ_MUST(err.msg[0] != '\0');
            }
        }
    }
    arena_done(&a);
    return 0;
}
