/* Puts into the mirror what this machine has; mirror_fill.h. */
#include "front/cli/mirror_fill.h"

#include "flow/gateway/mirror.h"
#include "platform/archive/zip.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"
#include "platform/text/json.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#define VENDOR "https://releases.hashicorp.com/terraform"
#define PROVIDER "registry.terraform.io/hashicorp/aws"
#define MOUNT_TARGET "/usr/share/terraform/plugins" /* one of Terraform's implied mirrors */

static void tell(const struct mirror_fill *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void tell(const struct mirror_fill *f, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    struct str line = arena_vprintf(f->arena, fmt, args);
    va_end(args);
    f->told(f->ud, line);
}

static int add_file(const struct mirror_fill *f, struct str url, const char *path,
                    struct mirror_entry *ret, struct err *err) {
    int fd cleanup_fd = file_open(path, O_RDONLY, 0, err);
    return fd < 0 ? -1
                  : mirror_add(f->data_dir, &clock_system, url, fd, STR_NONE, ret, f->arena, err);
}

static int add_text(const struct mirror_fill *f, struct str url, struct str text, struct err *err) {
    struct mirror_entry entry;
    int fd cleanup_fd = fd_from_bytes("mirror", text, err);
    return fd < 0
               ? -1
               : mirror_add(f->data_dir, &clock_system, url, fd, STR_NONE, &entry, f->arena, err);
}

/* ---- Terraform ---- */

/* The folder of a `filesystem_mirror` block: path = "...". */
static struct str path_in_config(struct arena *a, const char *file) {
    struct str text;
    struct err ignored = ERR_INIT;
    if (file_read(a, file, 256 * 1024, &text, &ignored) < 0) {
        return STR_NONE;
    }
    size_t at = str_find(text, S("filesystem_mirror"), 0);
    size_t path = at == (size_t)-1 ? at : str_find(text, S("path"), at);
    size_t open = path == (size_t)-1 ? path : str_find_c(text, '"', path);
    size_t close = open == (size_t)-1 ? open : str_find_c(text, '"', open + 1);
    return close == (size_t)-1 ? STR_NONE : str_sub(text, open + 1, close - open - 1);
}

/* Where Terraform itself looks for providers, in its order; the one that has the AWS provider. */
static const char *find_providers(struct arena *a) {
    const char *home = getenv("HOME");
    const char *share = getenv("XDG_DATA_HOME");
    const char *config = getenv("TF_CLI_CONFIG_FILE");
    home = home ? home : "/root";
    const char *dirs[] = {
        getenv("TRUNKLINE_TERRAFORM_MIRROR"),
        str_z(a, path_in_config(a, config ? config : str_printf(a, "%s/.terraformrc", home).p)),
        str_printf(a, "%s/.terraform.d/plugins", home).p,
        share ? str_printf(a, "%s/terraform/plugins", share).p
              : str_printf(a, "%s/.local/share/terraform/plugins", home).p,
        "/usr/local/share/terraform/plugins",
        "/usr/share/terraform/plugins",
    };
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        if (dirs[i] && dirs[i][0] && file_is_dir(str_printf(a, "%s/" PROVIDER, dirs[i]).p)) {
            return dirs[i];
        }
    }
    return NULL;
}

static int read_version(const struct mirror_fill *f, const char *program, struct str *ret,
                        struct err *err) {
    const char *const argv[] = {program, "version", "-json", NULL};
    const char *const envp[] = {"TF_CLI_CONFIG_FILE=/dev/null", "CHECKPOINT_DISABLE=1",
                                "HOME=/nonexistent", "PATH=/usr/bin:/bin", NULL};
    struct process_run run = {.spec = PROCESS_SPEC_INIT, .timeout_ms = 20000};
    struct str out;
    run.spec.argv = argv;
    run.spec.envp = envp;
    if (process_run(f->arena, &run, &out, NULL, NULL, err) < 0) {
        return err_wrap(err, "terraform version");
    }
    json_t *answer cleanup_json = json_parse(out, err);
    if (answer == NULL) {
        return err_wrap(err, "terraform version");
    }
    *ret = str_dup(f->arena, json_str(answer, "terraform_version"));
    return ret->n ? 0 : err_set(err, ERR_INVALID, "terraform version prints no version");
}

static const char *vendor_arch(void) {
    static struct utsname machine;
    uname(&machine);
    return strcmp(machine.machine, "aarch64") == 0 ? "arm64" : "amd64";
}

static int zip_program(const char *zip_path, const char *program, struct err *err) {
    struct zip_writer *zip cleanup_zip = NULL;
    const struct zip_limits limits = {.store = true};
    char *real cleanup_free = realpath(program, NULL);
    if (real == NULL) {
        return err_set(err, ERR_NOT_FOUND, "%s is gone", program);
    }
    char *folder cleanup_free = mem_strdup(real);
    int root cleanup_fd = file_open(dirname(folder), O_RDONLY | O_DIRECTORY, 0, err);
    int out cleanup_fd = root < 0 ? -1 : file_open(zip_path, O_RDWR | O_CREAT | O_EXCL, 0600, err);
    const char *name = strrchr(real, '/') + 1;
    return out < 0 || zip_begin(out, &limits, &zip, err) < 0 ||
                   zip_add(zip, root, name, "terraform", ZIP_LINKS_KEEP, err) < 0
               ? -1
               : zip_end(zip, err);
}

/* The providers' folder as a mount of every build; a configuration that has mounts is a person's.
 */
static int add_mount(const struct mirror_fill *f, const char *providers, struct err *err) {
    const char *path = str_printf(f->arena, "%s/trunkline.yml", f->data_dir).p;
    struct str now = S("");
    if (file_exists(path) && file_read(f->arena, path, 1024 * 1024, &now, err) < 0) {
        return -1;
    }
    if (str_starts(now, S("mounts:")) || str_find(now, S("\nmounts:"), 0) != (size_t)-1) {
        tell(f, "%s has mounts already: is %s among them?", path, providers);
        return 0;
    }
    struct str text =
        str_printf(f->arena, STR_FMT "%smounts:\n  - {source: \"%s\", target: " MOUNT_TARGET "}\n",
                   STR_ARG(now), now.n && now.p[now.n - 1] != '\n' ? "\n" : "", providers);
    return file_write_atomic(path, text, 0644, err);
}

static int add_terraform(const struct mirror_fill *f, const char *program, struct str version,
                         const char *dir, struct err *err) {
    struct mirror_entry entry;
    struct str name =
        str_printf(f->arena, "terraform_" STR_FMT "_linux_%s.zip", STR_ARG(version), vendor_arch());
    struct str base = str_printf(f->arena, VENDOR "/" STR_FMT, STR_ARG(version));
    const char *zip = str_printf(f->arena, "%s/" STR_FMT, dir, STR_ARG(name)).p;
    if (zip_program(zip, program, err) < 0 ||
        add_file(f, str_printf(f->arena, STR_FMT "/" STR_FMT, STR_ARG(base), STR_ARG(name)), zip,
                 &entry, err) < 0) {
        return -1;
    }
    struct str sums =
        str_printf(f->arena, STR_FMT "  " STR_FMT "\n", STR_ARG(entry.sha256), STR_ARG(name));
    struct str url = str_printf(f->arena, STR_FMT "/terraform_" STR_FMT "_SHA256SUMS",
                                STR_ARG(base), STR_ARG(version));
    return add_text(f, url, sums, err);
}

int mirror_fill_terraform(const struct mirror_fill *f, struct str *ret_version, struct err *err) {
    const char *program = program_find(f->arena, "terraform");
    const char *providers = find_providers(f->arena);
    const char *dir = NULL;
    struct err ignored = ERR_INIT;
    *ret_version = STR_NONE;
    if (program == NULL || providers == NULL) {
        return 0;
    }
    if (read_version(f, program, ret_version, err) < 0 ||
        dir_make_temp(f->arena, "trunkline-mirror-", &dir, err) < 0) {
        return -1;
    }
    int done = add_terraform(f, program, *ret_version, dir, err);
    (void)!tree_remove(dir, &ignored);
    if (done < 0 || add_mount(f, providers, err) < 0) {
        return -1;
    }
    tell(f, "Terraform " STR_FMT ", from %s; its providers are read from %s", STR_ARG(*ret_version),
         program, providers);
    return 0;
}

/* ---- what a repository's programs make ---- */

static int run_program(const struct mirror_fill *f, const char *dir, struct str program,
                       const char *out_dir, struct err *err) {
    const char *path = str_printf(f->arena, "%s/" STR_FMT, dir, STR_ARG(program)).p;
    char *real cleanup_free = realpath(path, NULL);
    const char *const argv[] = {real, out_dir, NULL};
    struct process_run run = {.spec = PROCESS_SPEC_INIT, .timeout_ms = 300 * 1000};
    if (real == NULL) {
        return err_set(err, ERR_NOT_FOUND, "release.yml, mirror: there is no %s", path);
    }
    run.spec.argv = argv;
    run.spec.dir = dir;
    return process_run(f->arena, &run, NULL, NULL, NULL, err) < 0
               ? err_wrap(err, STR_FMT, STR_ARG(program))
               : 0;
}

static int add_made(const struct mirror_fill *f, const struct release_mirror *m,
                    const char *out_dir, struct err *err) {
    struct str_list names;
    struct mirror_entry entry;
    if (dir_list(f->arena, out_dir, &names, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        struct str url =
            str_printf(f->arena, STR_FMT "/" STR_FMT, STR_ARG(m->url), STR_ARG(names.v[i]));
        const char *path = str_printf(f->arena, "%s/" STR_FMT, out_dir, STR_ARG(names.v[i])).p;
        if (file_is_dir(path)) {
            continue;
        }
        if (add_file(f, url, path, &entry, err) < 0) {
            return -1;
        }
        tell(f, STR_FMT ", from " STR_FMT, STR_ARG(url), STR_ARG(m->run));
    }
    return 0;
}

int mirror_fill_release(const struct mirror_fill *f, const char *dir, const struct release_yml *r,
                        struct err *err) {
    for (size_t i = 0; i < r->mirror.n; i++) {
        const char *out_dir = NULL;
        struct err ignored = ERR_INIT;
        if (dir_make_temp(f->arena, "trunkline-mirror-", &out_dir, err) < 0) {
            return -1;
        }
        int done = run_program(f, dir, r->mirror.v[i].run, out_dir, err);
        done = done < 0 ? done : add_made(f, &r->mirror.v[i], out_dir, err);
        (void)!tree_remove(out_dir, &ignored);
        if (done < 0) {
            return -1;
        }
    }
    return 0;
}
