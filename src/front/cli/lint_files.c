/* What `trunkline lint` looks at when no file is named: lint_account.h. */
#include "front/cli/lint_account.h"

#include "flow/definition/release_yml.h"
#include "platform/os/file.h"

enum { MAX_RELEASE_BYTES = 1024 * 1024 };

static void add(struct cli *c, struct str_list *list, struct str name) {
    if (name.n > 0 && file_exists(str_z(&c->arena, name)) && !str_list_has(list, name)) {
        *arena_push(&c->arena, list) = str_dup(&c->arena, name);
    }
}

struct str_list lint_usual_files(struct cli *c) {
    struct str_list list = {0};
    struct release_yml release;
    struct str text;
    struct err ignored = ERR_INIT; /* what is wrong with it is told when its turn comes */
    add(c, &list, S("release.yml"));
    add(c, &list, S("accounts.yml"));
    add(c, &list, S("buildspec.yml"));
    if (!file_exists("release.yml") ||
        file_read(&c->arena, "release.yml", MAX_RELEASE_BYTES, &text, &ignored) < 0 ||
        release_yml_read(&c->arena, "release.yml", ".", text, &release, &ignored) < 0) {
        return list;
    }
    if (release.has_test) {
        add(c, &list, release.test.buildspec);
    }
    for (size_t i = 0; i < release.environments.n; i++) {
        add(c, &list, release.environments.v[i].build.buildspec);
    }
    return list;
}
