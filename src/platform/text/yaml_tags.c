/* Which tags are known, and what may stand behind each. */
#include "platform/text/yaml_tags.h"

enum form { ANY_TEXT, INTEGER, FLOAT, BOOLEAN, BASE64, DATE };

struct known_tag {
    const char *name;
    enum yaml_kind kind;
    enum form form;
};

static const struct known_tag known[] = {
    {"str", YAML_SCALAR, ANY_TEXT},    {"null", YAML_SCALAR, ANY_TEXT},
    {"merge", YAML_SCALAR, ANY_TEXT},  {"value", YAML_SCALAR, ANY_TEXT},
    {"int", YAML_SCALAR, INTEGER},     {"float", YAML_SCALAR, FLOAT},
    {"bool", YAML_SCALAR, BOOLEAN},    {"binary", YAML_SCALAR, BASE64},
    {"timestamp", YAML_SCALAR, DATE},  {"seq", YAML_SEQUENCE, ANY_TEXT},
    {"omap", YAML_SEQUENCE, ANY_TEXT}, {"pairs", YAML_SEQUENCE, ANY_TEXT},
    {"map", YAML_MAPPING, ANY_TEXT},   {"set", YAML_MAPPING, ANY_TEXT},
};

static bool only(struct str text, const char *characters) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\0' || strchr(characters, text.p[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static struct str unsigned_part(struct str text) {
    bool sign = text.n > 0 && (text.p[0] == '-' || text.p[0] == '+');
    return sign ? str_sub(text, 1, text.n) : text;
}

static bool is_integer(struct str text) {
    struct str digits = unsigned_part(text);
    if (str_starts(digits, S("0x"))) {
        return digits.n > 2 && only(str_sub(digits, 2, digits.n), "0123456789abcdefABCDEF_");
    }
    if (str_starts(digits, S("0b"))) {
        return digits.n > 2 && only(str_sub(digits, 2, digits.n), "01_");
    }
    bool octal = digits.n > 1 && digits.p[0] == '0';
    return digits.n > 0 && only(digits, octal ? "01234567_" : "0123456789_:");
}

static bool is_float(struct str text) {
    struct str digits = unsigned_part(text);
    double number = 0;
    if (str_ieq(digits, S(".inf")) || str_ieq(digits, S(".nan"))) {
        return true;
    }
    return str_to_double(digits, &number) || (digits.n > 0 && only(digits, "0123456789_:."));
}

static bool is_base64(struct str text) {
    size_t characters = 0;
    size_t padding = 0;
    for (size_t i = 0; i < text.n; i++) {
        padding += text.p[i] == '=';
        characters += strchr("\n\r \t=", text.p[i]) == NULL;
    }
    struct str alphabet =
        S("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n");
    return only(text, alphabet.p) && characters % 4 != 1 &&
           (characters % 4 == 0 || padding >= 4 - characters % 4);
}

static bool fits(enum form form, const struct yaml_node *node) {
    bool value;
    switch (form) {
    case ANY_TEXT:
        return true;
    case INTEGER:
        return is_integer(node->text);
    case FLOAT:
        return is_float(node->text);
    case BOOLEAN:
        return yaml_bool(node, &value);
    case BASE64:
        return is_base64(node->text);
    case DATE:
        return node->text.n >= 8 && only(node->text, "0123456789-:.tTzZ+ \t");
    }
    return false;
}

const char *yaml_tag_fault(struct arena *a, const struct yaml_node *node) {
    struct str prefix = S("tag:yaml.org,2002:");
    if (str_is(node->tag, "!")) {
        return NULL;
    }
    struct str name =
        str_starts(node->tag, prefix) ? str_sub(node->tag, prefix.n, node->tag.n) : STR_NONE;
    for (size_t i = 0; name.p != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        if (!str_is(name, known[i].name)) {
            continue;
        }
        bool good = node->kind == known[i].kind && fits(known[i].form, node);
        return good ? NULL
                    : str_printf(a, "tag '!!" STR_FMT "' does not fit what follows; remove it",
                                 STR_ARG(name))
                          .p;
    }
    return str_printf(a, "tag '" STR_FMT "' means nothing here; remove it", STR_ARG(node->tag)).p;
}
