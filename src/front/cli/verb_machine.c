/* trunkline mirror, doctor: this machine's own things. They need no server. */
#include "front/cli/out.h"
#include "front/cli/place.h"

#include "flow/gateway/mirror.h"
#include "flow/sandbox/doctor.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- mirror ---- */

static json_t *entry_json(const struct mirror_entry *entry) {
    json_t *o = json_object();
    json_set_str(o, "url", entry->url);
    json_set_str(o, "sha256", entry->sha256);
    json_set(o, "size", json_integer(entry->size));
    json_set(o, "addedMs", json_integer(entry->added_ms));
    return o;
}

static void print_entry(struct cli *c, const struct mirror_entry *entry) {
    fprintf(c->out, "%.12s  %12lld  " STR_FMT "\n", entry->sha256.n >= 12 ? entry->sha256.p : "",
            (long long)entry->size, STR_ARG(out_safe(&c->arena, entry->url, false)));
}

static int run_mirror_add(struct cli *c, struct err *err) {
    struct mirror_entry entry;
    int fd cleanup_fd = file_open(c->args[1], O_RDONLY, 0, err);
    if (fd < 0 || dir_make(place_data_dir(c), 0700, err) < 0 ||
        mirror_add(place_data_dir(c), &clock_system, str_c(c->args[0]), fd,
                   str_c(cli_opt(c, "sha256")), &entry, &c->arena, err) < 0) {
        return -1;
    }
    if (c->json) {
        return out_json(c, entry_json(&entry));
    }
    print_entry(c, &entry);
    return EXIT_DONE;
}

static const struct cli_option mirror_add_options[] = {
    {"sha256", 0, "DIGEST", "the file must have this one"},
    {0},
};

const struct cli_verb verb_mirror_add = {
    .name = "mirror add",
    .group = CLI_MACHINE,
    .args = "URL FILE",
    .min_args = 2,
    .max_args = 2,
    .summary = "Let builds download a file by its vendor's URL, without the network",
    .detail =
        "The build's gateway answers URL from the mirror, over TLS, with exactly these bytes.\n\n"
        "  trunkline mirror add https://releases.hashicorp.com/terraform/1.11.4/\\\n"
        "terraform_1.11.4_SHA256SUMS ./terraform_1.11.4_SHA256SUMS",
    .options = mirror_add_options,
    .run = run_mirror_add,
};

static int run_mirror_list(struct cli *c, struct err *err) {
    struct mirror_list list;
    if (mirror_entries(&c->arena, place_data_dir(c), &list, err) < 0) {
        return -1;
    }
    json_t *all cleanup_json = json_array();
    for (size_t i = 0; i < list.n; i++) {
        json_array_append_new(all, entry_json(&list.v[i]));
        if (!c->json) {
            print_entry(c, &list.v[i]);
        }
    }
    if (c->json) {
        json_t *document = json_object();
        json_set(document, "entries", json_incref(all));
        return out_json(c, document);
    }
    return EXIT_DONE;
}

const struct cli_verb verb_mirror_list = {
    .name = "mirror list",
    .group = CLI_MACHINE,
    .args = "",
    .summary = "List what the mirror holds",
    .run = run_mirror_list,
};

/* ---- doctor ---- */

static int run_doctor(struct cli *c, struct err *err) {
    static const char *const words[] = {"ok", "warning", "missing"};
    static const enum out_style styles[] = {OUT_GREEN, OUT_YELLOW, OUT_RED};
    struct doctor_report report;
    const char *data = place_data_dir(c);
    (void)err;
    doctor_run(&c->arena, file_is_dir(data) ? data : NULL, &report);
    bool fine = true;
    json_t *all cleanup_json = json_array();
    for (size_t i = 0; i < report.n; i++) {
        const struct doctor_check *check = &report.v[i];
        fine = fine && check->state != DOCTOR_FAIL;
        if (c->json) {
            json_t *one = json_object();
            json_set_str(one, "name", str_c(check->name));
            json_set_str(one, "state", str_c(words[check->state]));
            json_set_str(one, "finding", check->finding);
            json_set_str(one, "fix", check->fix);
            json_array_append_new(all, one);
            continue;
        }
        fprintf(c->out, "%s%-7s%s  %-22s  " STR_FMT "\n", out_style(c, styles[check->state]),
                words[check->state], out_style(c, OUT_PLAIN), check->name, STR_ARG(check->finding));
        if (check->fix.n) {
            fprintf(c->out, "%-7s  %-22s  fix: " STR_FMT "\n", "", "", STR_ARG(check->fix));
        }
    }
    if (c->json) {
        json_t *document = json_object();
        json_set(document, "ready", json_boolean(fine));
        json_set(document, "checks", json_incref(all));
        out_json(c, document);
    }
    return fine ? EXIT_DONE : EXIT_FAILED;
}

const struct cli_verb verb_doctor = {
    .name = "doctor",
    .group = CLI_MACHINE,
    .args = "",
    .summary = "Say whether builds can run on this machine, and what to do where not",
    .run = run_doctor,
};
