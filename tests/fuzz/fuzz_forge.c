/* What strangers say about repositories: webhook bodies of each host, versions, locations, paths
 * into bodies. The first byte chooses. Whatever becomes a build is plain text that git takes for a
 * name. */
#include "fuzz.h"

#include "flow/checkout/address.h"
#include "flow/checkout/version.h"
#include "flow/forge/filter.h"
#include "flow/forge/path.h"
#include "platform/text/json.h"

static void check_plain(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        FUZZ_MUST((unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7F);
    }
}

static void event(struct arena *a, const char *server, const char *kind, struct str body) {
    struct err err = ERR_INIT;
    struct forge_event e;
    struct codebuild_webhook webhook = {0};
    struct forge_notice notice = {str_c(server), str_c(kind), body};
    if (forge_event_read(a, &notice, &e, &err) < 0) {
        FUZZ_MUST(err.msg[0] != '\0');
        return;
    }
    FUZZ_MUST((e.type.p == NULL) == (e.ignored.p != NULL));
    FUZZ_MUST(e.paths.n <= FORGE_MAX_PATHS);
    if (e.type.p != NULL) {
        FUZZ_MUST(e.version.n > 0 && e.head_ref.n > 0);
        check_plain(e.version);
        check_plain(e.head_ref);
        check_plain(e.trigger);
        FUZZ_MUST(forge_filter_match(a, &webhook, &e, &err) >= 0);
    }
}

static void version(struct arena *a, struct str text) {
    struct err err = ERR_INIT;
    struct version v;
    if (version_parse(a, text, &v, &err) < 0) {
        FUZZ_MUST(err.kind == ERR_INVALID);
        return;
    }
    FUZZ_MUST(v.refs_n <= sizeof(v.refs) / sizeof(v.refs[0]));
    for (size_t i = 0; i < v.refs_n; i++) {
        FUZZ_MUST(str_starts(v.refs[i], S("refs/")));
        FUZZ_MUST(str_find(v.refs[i], S(".."), 0) == (size_t)-1);
        check_plain(v.refs[i]);
    }
    for (size_t i = 0; i < v.commit.n; i++) {
        FUZZ_MUST(strchr("0123456789abcdefABCDEF", v.commit.p[i]) != NULL);
    }
}

static void location(struct arena *a, struct str url) {
    struct err err = ERR_INIT;
    struct address at;
    if (address_parse(a, url, &at, &err) < 0) {
        FUZZ_MUST(err.kind == ERR_INVALID);
        return;
    }
    struct str folder = address_folder(a, &at);
    FUZZ_MUST(folder.n > 0 && folder.p[0] != '/' && folder.p[0] != '-');
    FUZZ_MUST(str_find(folder, S(".."), 0) == (size_t)-1 ||
              str_find(folder, S("/.."), 0) == (size_t)-1);
    struct address again;
    FUZZ_MUST(address_parse(a, address_url(a, &at), &again, &err) == 0);
    FUZZ_MUST(str_eq(at.host, again.host) && at.port == again.port && again.password.p == NULL);
    address_relative(a, url, S("../../x.git"));
}

/* A path, a line end, and the JSON that it goes into. */
static void path(struct str rest) {
    struct err err = ERR_INIT;
    struct str text = STR_NONE;
    if (!str_cut(&rest, '\n', &text)) {
        return;
    }
    bool good = forge_path_check(text, &err) == 0;
    FUZZ_MUST(good || err.kind == ERR_INVALID);
    json_t *root cleanup_json = json_parse(rest, &err);
    bool any = root != NULL && forge_path_matches(root, text, STR_NONE);
    FUZZ_MUST(good || !any);
    FUZZ_MUST(any || root == NULL || !forge_path_matches(root, text, S("x")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const kinds[][2] = {
        {"GITHUB", "push"},
        {"GITHUB", "pull_request"},
        {"GITHUB", "release"},
        {"GITLAB", "Push Hook"},
        {"GITLAB", "Merge Request Hook"},
        {"BITBUCKET", "repo:push"},
        {"BITBUCKET", "pullrequest:created"},
    };
    const size_t kinds_n = sizeof(kinds) / sizeof(kinds[0]);
    struct arena a = ARENA_INIT;
    if (size > 0) {
        struct str rest = str_n((const char *)data + 1, size - 1);
        size_t which = data[0] % (kinds_n + 3);
        if (which < kinds_n) {
            event(&a, kinds[which][0], kinds[which][1], rest);
        } else if (which == kinds_n) {
            version(&a, rest);
        } else if (which == kinds_n + 1) {
            location(&a, rest);
        } else {
            path(rest);
        }
    }
    arena_done(&a);
    return 0;
}
