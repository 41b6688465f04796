/* What release.yml names beside itself; lint_release.h. */
#include "front/cli/lint_release.h"

#include "flow/definition/definition.h"
#include "flow/execution/available.h"
#include "front/cli/accounts_file.h"
#include "front/cli/place.h"
#include "front/cli/release_accounts.h"
#include "platform/os/file.h"

#include <limits.h>
#include <stdlib.h>

struct looking {
    struct arena *a;
    const char *dir;
    const struct release_yml *release;
    struct accounts accounts; /* of accounts.yml beside it; none: it is not there */
    struct lint_surprises *found;
};

/* ---- the pipeline ---- */

/* An account that is in no file can still be on the server, where apply asks for it. */
static int check_pipeline(const struct looking *l, struct err *err) {
    struct release_accounts accounts = {0};
    struct release_plan plan;
    struct definition d;
    enum def_fault fault = DEF_FAULT_NONE;
    struct err why = ERR_INIT;
    if (release_accounts_guess(l->a, l->dir, &accounts, &why) < 0) {
        return 0; /* told when accounts.yml's turn comes */
    }
    struct str arn = str_printf(l->a,
                                "arn:aws:codeconnections:" STR_FMT ":" STR_FMT
                                ":connection/00000000-0000-0000-0000-000000000000",
                                STR_ARG(accounts.v[0].region), STR_ARG(accounts.v[0].id));
    if (release_yml_compile(l->a, l->release, &accounts, arn, &plan, &why) < 0) {
        if (why.kind == ERR_NOT_FOUND) {
            return 0;
        }
        *err = why;
        return -1;
    }
    return definition_parse(l->a, plan.pipeline, &d, err) < 0 ||
                   definition_check(&d, STR_NONE, &fault, err) < 0 ||
                   execution_available(&d, &fault, err) < 0
               ? -1
               : 0;
}

/* ---- buildspecs ---- */

/* "release.yml:4:17" -> 4 and 17; 0 and 0 without a place. */
static void read_place(struct str place, struct lint_surprise *ret) {
    unsigned long long line = 0, column = 0;
    size_t last = str_rfind_c(place, ':');
    if (last == (size_t)-1) {
        return;
    }
    struct str before = str_sub(place, 0, last);
    size_t first = str_rfind_c(before, ':');
    if (first != (size_t)-1 && str_to_u64(str_sub(before, first + 1, before.n), &line) &&
        str_to_u64(str_sub(place, last + 1, place.n), &column)) {
        ret->line = (unsigned)line;
        ret->column = (unsigned)column;
    }
}

static struct lint_surprise *surprise(struct looking *l, const char *code, struct str place) {
    struct lint_surprise *one = arena_push(l->a, l->found);
    *one = (struct lint_surprise){.code = code};
    read_place(place, one);
    return one;
}

/* Only of a release of the folder that the file lies in: others cannot be looked into. */
static bool is_own_repository(const struct looking *l) {
    char *real = realpath(l->dir, NULL);
    struct str own = real ? str_printf(l->a, "file://%s", real) : STR_NONE;
    free(real);
    return own.p != NULL && str_eq(own, l->release->repository);
}

static void check_buildspec(struct looking *l, const struct release_build *build,
                            struct str place) {
    const char *path = str_printf(l->a, "%s/" STR_FMT, l->dir, STR_ARG(build->buildspec)).p;
    if (!file_exists(path)) {
        surprise(l, "buildspec-missing", place)->text =
            str_printf(l->a, "'" STR_FMT "' is to be built by " STR_FMT ", which is not here",
                       STR_ARG(build->name), STR_ARG(build->buildspec));
    }
}

/* ---- roles ---- */

static bool has_role(const struct accounts_entry *account, struct str name) {
    for (size_t i = 0; i < account->roles.n; i++) {
        if (str_eq(account->roles.v[i].name, name)) {
            return true;
        }
    }
    return false;
}

static void check_role(struct looking *l, struct str account, struct str role, struct str place,
                       const char *what) {
    const struct accounts_entry *there = accounts_find(&l->accounts, account);
    bool elsewhere = str_starts(role, S("arn:"));
    if (l->accounts.n == 0 || elsewhere || (there != NULL && has_role(there, role))) {
        return;
    }
    surprise(l, "role-missing", place)->text =
        str_printf(l->a, "accounts.yml gives account " STR_FMT " no role '" STR_FMT "', %s",
                   STR_ARG(account), STR_ARG(role), what);
}

static void check_build_role(struct looking *l, const struct release_build *build,
                             struct str place) {
    struct str role = build->role.p ? build->role
                                    : str_printf(l->a, STR_FMT "-" STR_FMT "-build",
                                                 STR_ARG(l->release->name), STR_ARG(build->name));
    check_role(l, S(PLACE_HOME), role, place, "which its builds have");
}

static bool asks_alarms(const struct release_yml *r, size_t environment) {
    bool last = environment + 1 == r->environments.n;
    return r->environments.v[environment].after.alarms.n > 0 ||
           (r->gate_alarms.n > 0 && !last && r->environments.v[environment + 1].gated);
}

int lint_release_surprises(struct arena *a, const char *dir, const struct release_yml *release,
                           struct lint_surprises *ret, struct err *err) {
    struct looking l = {.a = a, .dir = dir, .release = release, .found = ret};
    struct err ignored = ERR_INIT; /* what is wrong with it is told when its turn comes */
    const char *accounts = str_printf(a, "%s/accounts.yml", dir).p;
    bool own = is_own_repository(&l);
    *ret = (struct lint_surprises){0};
    if (check_pipeline(&l, err) < 0) {
        return -1;
    }
    if (file_exists(accounts) && accounts_read(a, accounts, NULL, &l.accounts, &ignored) < 0) {
        l.accounts = (struct accounts){0};
    }
    check_role(&l, S(PLACE_HOME),
               release->role.p ? release->role
                               : str_printf(a, STR_FMT "-pipeline", STR_ARG(release->name)),
               STR_NONE, "which the pipeline has");
    if (release->has_test) {
        check_build_role(&l, &release->test, STR_NONE);
        if (own) {
            check_buildspec(&l, &release->test, STR_NONE);
        }
    }
    for (size_t i = 0; i < release->environments.n; i++) {
        const struct release_environment *e = &release->environments.v[i];
        check_build_role(&l, &e->build, e->place);
        if (own) {
            check_buildspec(&l, &e->build, e->place);
        }
        if (asks_alarms(release, i)) {
            check_role(&l, e->account, S("observer"), e->place,
                       "which the pipeline assumes to ask for alarms");
        }
    }
    return 0;
}
