/* JSON, XML and YAML: the first byte chooses. What JSON writes, JSON reads back equal. */
#include "fuzz.h"

#include "base/buf.h"
#include "platform/text/json.h"
#include "platform/text/xml.h"
#include "platform/text/yaml.h"

static void json(struct arena *a, struct str text) {
    struct err err = ERR_INIT;
    json_t *tree cleanup_json = json_parse(text, &err);
    if (tree != NULL) {
        json_t *again cleanup_json = json_parse(json_dump_str(a, tree), &err);
        FUZZ_MUST(again != NULL);
    }
}

static void xml(struct arena *a, struct str text) {
    struct err err = ERR_INIT;
    struct xml_node *root = NULL;
    struct buf out cleanup_buf;
    buf_init(&out, (size_t)XML_MAX_BYTES * 6);
    buf_add_z(&out, "<a>");
    xml_escape(&out, text);
    buf_add_z(&out, "</a>");
    FUZZ_MUST(xml_parse(a, buf_str(&out), &root, &err) == 0);
    xml_parse(a, text, &root, &err) < 0 ? (void)0 : (void)root->text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct yaml_doc doc;
    if (size > 0) {
        struct str text = fuzz_str(data + 1, size - 1);
        if (data[0] % 3 == 0) {
            json(&a, text);
        } else if (data[0] % 3 == 1) {
            xml(&a, text);
        } else if (yaml_parse(&a, "fuzz.yml", text, &doc, &err) < 0) {
            FUZZ_MUST(err.kind != ERR_NONE);
        }
    }
    arena_done(&a);
    return 0;
}
