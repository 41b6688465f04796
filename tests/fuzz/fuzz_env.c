/*
 * Expansion of variables: the input is "NAME=VALUE" lines, an empty line, and the text. Expanding
 * leaves no reference to a known plain variable that it could have replaced, touches nothing else,
 * and equals a naive expansion, written here a second time.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "flow/phase/env.h"

static bool name_char(char c, bool first) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static const struct env_var *find(const struct env *env, const char *name, size_t n) {
    for (size_t i = 0; i < env->n; i++) {
        if (env->v[i].name.n == n && memcmp(env->v[i].name.p, name, n) == 0) {
            return env->v[i].type == ENV_PLAINTEXT ? &env->v[i] : NULL;
        }
    }
    return NULL;
}

/* The naive one: at each '$', both forms tried in turn. */
static struct str expand(struct arena *a, struct str text, const struct env *env, bool bare) {
    struct buf out cleanup_buf;
    buf_init(&out, 64 * 1024 * 1024);
    for (size_t i = 0; i < text.n; i++) {
        size_t from = i + 1;
        bool braced = text.p[i] == '$' && from < text.n && text.p[from] == '{';
        from += braced;
        size_t end = from;
        while (end < text.n && name_char(text.p[end], end == from)) {
            end++;
        }
        bool whole = end > from && (!braced || (end < text.n && text.p[end] == '}'));
        const struct env_var *var = text.p[i] == '$' && whole && (braced || bare)
                                        ? find(env, text.p + from, end - from)
                                        : NULL;
        if (var == NULL) {
            buf_add_c(&out, text.p[i]);
        } else {
            buf_add(&out, var->value);
            i = braced ? end : end - 1;
        }
    }
    return buf_dup(a, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct env env = {0};
    struct str rest = fuzz_str(data, size > 4096 ? 4096 : size);
    struct str line;
    while (env.n < 50 && str_cut(&rest, '\n', &line) && line.n > 0) {
        struct str value = line;
        struct str name;
        bool secret = line.p[0] == '!';
        str_cut(&value, '=', &name);
        env_put(&a, &env,
                (struct env_var){.name = str_sub(name, secret, name.n),
                                 .value = value.p ? value : S(""),
                                 .type = secret ? ENV_PARAMETER_STORE : ENV_PLAINTEXT});
    }
    struct str text = rest.p ? rest : S("");
    for (int bare = 0; bare < 2; bare++) {
        struct str want = expand(&a, text, &env, bare);
        struct str have = env_expand(&a, text, &env, bare);
        FUZZ_MUST(want.n > 200 * 1024 || str_eq(want, have));
    }
    arena_done(&a);
    return 0;
}
