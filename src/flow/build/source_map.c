/* Implementation of source_map.h. */
#include "flow/build/source_map.h"

#include "flow/build/settings.h"

#define MARK "{repository}"

/* What stands for {repository}: it becomes part of a path, so it may not lead elsewhere. */
static bool is_repository(struct str name) {
    struct str rest = name;
    struct str part = STR_NONE;
    while (str_cut(&rest, '/', &part)) {
        if (part.n == 0 || part.p[0] == '.' || part.p[0] == '-') {
            return false;
        }
        for (size_t i = 0; i < part.n; i++) {
            char c = part.p[i];
            bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') {
                return false;
            }
        }
    }
    return name.n > 0;
}

static struct str without_end(struct str name) {
    while (str_ends(name, S("/"))) {
        name.n--;
    }
    return str_ends(name, S(".git")) ? str_sub(name, 0, name.n - 4) : name;
}

static struct str fill_in(struct arena *a, struct str url, struct str repository) {
    size_t at = str_find(url, S(MARK), 0);
    return at == (size_t)-1 ? url
                            : str_printf(a, STR_FMT STR_FMT STR_FMT, STR_ARG(str_sub(url, 0, at)),
                                         STR_ARG(repository),
                                         STR_ARG(str_sub(url, at + sizeof(MARK) - 1, url.n)));
}

/* The longest key that the location begins with. */
static int find(const char *file, const struct yaml_node *sources, struct str location,
                const struct yaml_node **ret_key, const struct yaml_node **ret_value,
                struct err *err) {
    if (sources->kind != YAML_MAPPING) {
        return yaml_fail(err, file, sources,
                         "sources is a mapping of beginnings of locations to URLs");
    }
    for (size_t i = 0; i < sources->n; i++) {
        const struct yaml_node *key = sources->pair[i].key;
        const struct yaml_node *value = sources->pair[i].value;
        if (key->kind != YAML_SCALAR || value->kind != YAML_SCALAR || key->text.n == 0 ||
            value->text.n == 0) {
            return yaml_fail(err, file, key, "an entry of sources is BEGINNING: URL");
        }
        if (str_starts(location, key->text) &&
            (*ret_key == NULL || key->text.n > (*ret_key)->text.n)) {
            *ret_key = key;
            *ret_value = value;
        }
    }
    return 0;
}

int source_map(struct arena *a, const char *data_dir, struct str location, struct str *ret_url,
               struct err *err) {
    const char *file = NULL;
    const struct yaml_node *root = NULL;
    const struct yaml_node *key = NULL;
    const struct yaml_node *value = NULL;
    if (settings_open(a, data_dir, &file, &root, err) < 0) {
        return -1;
    }
    const struct yaml_node *sources = yaml_get(root, "sources");
    if (sources == NULL || yaml_is_null(sources)) {
        return 0;
    }
    if (find(file, sources, location, &key, &value, err) < 0) {
        return -1;
    }
    if (key == NULL) {
        return 0;
    }
    struct str repository = without_end(str_sub(location, key->text.n, location.n));
    if (str_find(value->text, S(MARK), 0) != (size_t)-1 && !is_repository(repository)) {
        return err_set(err, ERR_INVALID,
                       "'" STR_FMT "' cannot be mapped by %s:%u: what follows '" STR_FMT
                       "' is no repository name",
                       STR_ARG(location), file, key->line, STR_ARG(key->text));
    }
    *ret_url = fill_in(a, value->text, repository);
    return 1;
}
