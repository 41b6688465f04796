/* trunkline mirror fill: what this machine has or can make goes into the mirror. */
#include "front/cli/mirror_fill.h"
#include "front/cli/out.h"
#include "front/cli/place.h"

#include "platform/os/file.h"

struct filling {
    struct cli *c;
    json_t *lines;
};

static void told(void *ud, struct str line) {
    struct filling *f = ud;
    if (f->c->json) {
        json_array_append_new(f->lines, json_from_str(line));
    } else {
        fprintf(f->c->out, STR_FMT "\n", STR_ARG(out_safe(&f->c->arena, line, false)));
    }
}

static int fill_release(struct cli *c, const struct mirror_fill *fill, const char *dir,
                        struct err *err) {
    struct release_yml release;
    struct str text;
    const char *path = str_printf(&c->arena, "%s/release.yml", dir).p;
    if (!file_exists(path)) {
        return 0;
    }
    return file_read(&c->arena, path, 1024 * 1024, &text, err) < 0 ||
                   release_yml_read(&c->arena, path, dir, text, &release, err) < 0
               ? -1
               : mirror_fill_release(fill, dir, &release, err);
}

static int run(struct cli *c, struct err *err) {
    struct filling filling = {.c = c, .lines = json_array()};
    json_t *lines cleanup_json = filling.lines;
    struct mirror_fill fill = {&c->arena, place_data_dir(c), told, &filling};
    struct str version = STR_NONE;
    if (dir_make(fill.data_dir, 0700, err) < 0 || mirror_fill_terraform(&fill, &version, err) < 0 ||
        fill_release(c, &fill, c->args_n ? c->args[0] : ".", err) < 0) {
        return -1;
    }
    if (c->json) {
        json_t *document = json_object();
        json_set(document, "added", json_incref(lines));
        json_set(document, "terraform", version.p ? json_from_str(version) : json_null());
        return out_json(c, document);
    }
    if (version.p == NULL) {
        fputs("There is no Terraform with its AWS provider on this machine.\n", c->out);
    }
    return EXIT_DONE;
}

const struct cli_verb verb_mirror_fill = {
    .name = "mirror fill",
    .group = CLI_MACHINE,
    .args = "[DIR]",
    .max_args = 1,
    .summary = "Put what this machine has or can make into the mirror",
    .detail =
        "A Terraform that is installed here, as its vendor publishes it, with its providers as a\n"
        "read-only mount in DATA/trunkline.yml; and what the programs make that DIR/release.yml\n"
        "names:\n\n"
        "  mirror: [{run: shipper/release.sh, url: "
        "\"https://downloads.example.org/shipper/1.4.2\"}]\n\n"
        "Each program is run with an empty folder; each file in it is then URL/FILE. Checksums of\n"
        "such files prove that they arrive whole, not where they come from. --json says which\n"
        "version of Terraform was found.",
    .run = run,
};
