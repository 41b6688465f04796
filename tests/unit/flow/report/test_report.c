/* Reports of every format, their bounds, and the process that reads them. */
#include "../../cmocka_.h"

#include "flow/report/packed.h"
#include "platform/os/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct arena arena;

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct report_data read_one(enum report_format format, const char *text) {
    struct report_data data;
    struct err err = ERR_INIT;
    report_data_init(&data, &arena, report_kind_of(format));
    if (report_data_add(&data, format, S("a/b.xml"), str_c(text), &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return data;
}

static void assert_case(const struct report_case *c, const char *prefix, const char *name,
                        enum case_status status, int64_t ns, const char *message) {
    assert_string_equal(str_z(&arena, c->prefix), prefix);
    assert_string_equal(str_z(&arena, c->name), name);
    assert_string_equal(case_status_name(c->status), case_status_name(status));
    assert_int_equal(c->duration_ns, ns);
    assert_string_equal(str_z(&arena, c->message), message);
    assert_string_equal(str_z(&arena, c->path), "a/b.xml");
}

static void assert_source(const struct report_source *s, const char *path, int lines, int missed,
                          int branches, int branches_missed) {
    assert_string_equal(str_z(&arena, s->path), path);
    assert_int_equal(s->lines_covered, lines);
    assert_int_equal(s->lines_missed, missed);
    assert_int_equal(s->branches_covered, branches);
    assert_int_equal(s->branches_missed, branches_missed);
}

static void test_junit_of_surefire_and_pytest(void **state) {
    (void)state;
    struct report_data d = read_one(
        REPORT_JUNITXML,
        "<?xml version='1.0'?><testsuites><testsuite name='pets' tests='5'>"
        "<properties><property name='x' value='y'/></properties>"
        "<testcase classname='org.Cat' name='purrs' time='1.5'/>"
        "<testcase classname='org.Cat' name='bites' time='0,000.25'>"
        "<failure message='no blood' type='E'>E: no blood\n at line 3</failure>"
        "<system-out>noise</system-out></testcase>"
        "<testcase classname='org.Cat' name='flies'><error message='crash'/></testcase>"
        "<testcase classname='org.Cat' name='swims'><skipped message='wet'/></testcase>"
        "<testcase classname='t' name='odd' time='x'><failure message='a == b'>traceback</failure>"
        "<error>late</error></testcase></testsuite></testsuites>");
    assert_int_equal(d.cases.n, 5);
    assert_case(&d.cases.v[0], "org.Cat", "purrs", CASE_SUCCEEDED, 1500000000, "");
    assert_true(d.cases.v[0].message.p == NULL);
    assert_string_equal(str_z(&arena, d.cases.v[0].suite), "pets");
    assert_case(&d.cases.v[1], "org.Cat", "bites", CASE_FAILED, 250000000,
                "E: no blood\n at line 3");
    assert_case(&d.cases.v[2], "org.Cat", "flies", CASE_ERROR, 0, "crash");
    assert_case(&d.cases.v[3], "org.Cat", "swims", CASE_SKIPPED, 0, "wet");
    assert_case(&d.cases.v[4], "t", "odd", CASE_ERROR, 0, "late");
    assert_int_equal(d.duration_ns, 1750000000);
    assert_int_equal(d.counts[CASE_ERROR], 2);
    assert_int_equal(report_total(&d), 5);
}

static void test_a_message_stands_before_a_text_that_lacks_it(void **state) {
    (void)state;
    struct report_data d =
        read_one(REPORT_JUNITXML, "<testsuite><testcase name='n'><failure message='a == b'>"
                                  "<![CDATA[<traceback>]]></failure></testcase></testsuite>");
    assert_case(&d.cases.v[0], "", "n", CASE_FAILED, 0, "a == b\n<traceback>");
}

/* Statuses as AWS's example counts NUnit's own sample: what could not run is an error. */
static void test_nunit_2(void **state) {
    (void)state;
    struct report_data d = read_one(
        REPORT_NUNITXML,
        "<test-results name='m.dll'><test-suite type='TestFixture' name='Mock'><results>"
        "<test-case name='N.T.Mock.Good' executed='True' result='Success' time='0.016'/>"
        "<test-case name='N.T.Mock.Fails(1.5,&quot;a.b&quot;)' executed='True' result='Failure'>"
        "<failure><message><![CDATA[Intentional]]></message><stack-trace>at X</stack-trace>"
        "</failure></test-case>"
        "<test-case name='N.T.Mock.NotRunnableTest' executed='False' result='NotRunnable'>"
        "<reason><message><![CDATA[No arguments were provided]]></message></reason></test-case>"
        "<test-case name='N.T.Mock.Inc' executed='True' result='Inconclusive'/>"
        "<test-case name='N.T.Mock.Ign' executed='False' result='Ignored'/>"
        "<test-case name='Old' executed='True' success='False'/>"
        "</results></test-suite></test-results>");
    assert_int_equal(d.cases.n, 6);
    assert_case(&d.cases.v[0], "N.T.Mock", "N.T.Mock.Good", CASE_SUCCEEDED, 16000000, "");
    assert_case(&d.cases.v[1], "N.T.Mock", "N.T.Mock.Fails(1.5,\"a.b\")", CASE_FAILED, 0,
                "Intentional\nat X");
    assert_case(&d.cases.v[2], "N.T.Mock", "N.T.Mock.NotRunnableTest", CASE_ERROR, 0,
                "No arguments were provided\n");
    assert_int_equal(d.cases.v[3].status, CASE_ERROR);
    assert_int_equal(d.cases.v[4].status, CASE_SKIPPED);
    assert_case(&d.cases.v[5], "", "Old", CASE_FAILED, 0, "");
}

static void test_nunit_3(void **state) {
    (void)state;
    struct report_data d = read_one(
        REPORT_NUNIT3XML,
        "<test-run id='0'><test-suite type='TestFixture' name='Fix'>"
        "<test-case name='Add' fullname='M.Fix.Add' classname='M.Fix' result='Passed' "
        "duration='0.5'><output>x</output></test-case>"
        "<test-case name='Bad' fullname='M.Fix.Bad' result='Failed'><failure><message>no"
        "</message><stack-trace>at Y</stack-trace></failure>"
        "<assertions><assertion><message>other</message></assertion></assertions></test-case>"
        "<test-case name='Err' fullname='M.Fix.Err' result='Failed' label='Error'/>"
        "<test-case name='Skip' fullname='M.Fix.Skip' result='Skipped' label='Ignored'>"
        "<reason><message>later</message></reason></test-case>"
        "</test-suite></test-run>");
    assert_int_equal(d.cases.n, 4);
    assert_case(&d.cases.v[0], "M.Fix", "Add", CASE_SUCCEEDED, 500000000, "");
    assert_case(&d.cases.v[1], "M.Fix", "Bad", CASE_FAILED, 0, "no\nat Y");
    assert_case(&d.cases.v[2], "M.Fix", "Err", CASE_ERROR, 0, "");
    assert_case(&d.cases.v[3], "M.Fix", "Skip", CASE_SKIPPED, 0, "later\n");
}

static void test_testng_leaves_out_configuration_methods(void **state) {
    (void)state;
    struct report_data d = read_one(
        REPORT_TESTNGXML,
        "<testng-results passed='1'><reporter-output/><suite name='S'><test name='T'>"
        "<class name='com.A'>"
        "<test-method status='PASS' name='setUp' is-config='true' duration-ms='9'/>"
        "<test-method status='PASS' name='one' duration-ms='15'><reporter-output/></test-method>"
        "<test-method status='FAIL' name='two' duration-ms='1'><exception class='E'>"
        "<message><![CDATA[expected 1]]></message>"
        "<full-stacktrace><![CDATA[E: expected 1 at z]]></full-stacktrace></exception>"
        "</test-method><test-method status='SKIP' name='three'/>"
        "</class></test></suite></testng-results>");
    assert_int_equal(d.cases.n, 3);
    assert_case(&d.cases.v[0], "com.A", "one", CASE_SUCCEEDED, 15000000, "");
    assert_case(&d.cases.v[1], "com.A", "two", CASE_FAILED, 1000000, "E: expected 1 at z");
    assert_case(&d.cases.v[2], "com.A", "three", CASE_SKIPPED, 0, "");
    assert_string_equal(str_z(&arena, d.cases.v[0].suite), "S");
}

static void test_trx_takes_classes_from_the_definitions(void **state) {
    (void)state;
    struct report_data d = read_one(
        REPORT_VISUALSTUDIOTRX,
        "<TestRun xmlns='http://microsoft.com/schemas/VisualStudio/TeamTest/2010'><Results>"
        "<UnitTestResult testId='1' testName='Sums' outcome='Passed' duration='00:01:01.5000000'/>"
        "<UnitTestResult testId='2' testName='N.C.Fails' outcome='Failed'><Output><ErrorInfo>"
        "<Message>no</Message><StackTrace>at q</StackTrace></ErrorInfo></Output></UnitTestResult>"
        "<UnitTestResult testId='3' testName='Rows'><InnerResults>"
        "<UnitTestResult testId='3' testName='Rows (1)' outcome='Passed'/>"
        "<UnitTestResult testId='3' testName='Rows (2)' outcome='NotExecuted'/>"
        "</InnerResults></UnitTestResult></Results>"
        "<TestDefinitions><UnitTest id='1'><TestMethod className='Calc.Tests, Calc'/></UnitTest>"
        "<UnitTest id='3'><TestMethod className='Calc.Rows'/></UnitTest></TestDefinitions>"
        "</TestRun>");
    assert_int_equal(d.cases.n, 4);
    assert_case(&d.cases.v[0], "Calc.Tests", "Sums", CASE_SUCCEEDED, 61500000000, "");
    assert_case(&d.cases.v[1], "N.C", "N.C.Fails", CASE_FAILED, 0, "no\nat q");
    assert_case(&d.cases.v[2], "Calc.Rows", "Rows (1)", CASE_SUCCEEDED, 0, "");
    assert_case(&d.cases.v[3], "Calc.Rows", "Rows (2)", CASE_SKIPPED, 0, "");
}

static void test_cucumber_scenarios_are_as_their_worst_step(void **state) {
    (void)state;
    struct report_data d = read_one(
        REPORT_CUCUMBERJSON,
        "[{\"name\":\"Login\",\"elements\":["
        "{\"type\":\"background\",\"steps\":[{\"result\":{\"status\":\"passed\",\"duration\":5}}]},"
        "{\"type\":\"scenario\",\"name\":\"good\",\"steps\":["
        "{\"result\":{\"status\":\"passed\",\"duration\":10}}]},"
        "{\"type\":\"scenario\",\"name\":\"bad\",\"steps\":["
        "{\"result\":{\"status\":\"failed\",\"duration\":3,\"error_message\":\"boom\"}},"
        "{\"result\":{\"status\":\"skipped\"}}]},"
        "{\"type\":\"scenario\",\"name\":\"new\",\"steps\":[{\"result\":{\"status\":\"undefined\"}}"
        "]},"
        "{\"type\":\"scenario\",\"name\":\"todo\",\"steps\":[{\"result\":{\"status\":\"pending\"}}]"
        "},"
        "{\"type\":\"scenario\",\"name\":\"what\",\"steps\":[{\"result\":{\"status\":\"?\"}}]}"
        "]}]");
    assert_int_equal(d.cases.n, 5);
    assert_case(&d.cases.v[0], "Login", "good", CASE_SUCCEEDED, 15, "");
    assert_case(&d.cases.v[1], "Login", "bad", CASE_FAILED, 3, "boom");
    assert_case(&d.cases.v[2], "Login", "new", CASE_ERROR, 0, "");
    assert_case(&d.cases.v[3], "Login", "todo", CASE_SKIPPED, 0, "");
    assert_case(&d.cases.v[4], "Login", "what", CASE_UNKNOWN, 0, "");
}

static void test_clover_by_lines_and_by_metrics(void **state) {
    (void)state;
    struct report_data d = read_one(
        REPORT_CLOVERXML,
        "<coverage generated='1'><project><metrics statements='9' coveredstatements='9'/>"
        "<file name='a.js' path='/src/a.js'>"
        "<metrics statements='4' coveredstatements='3' conditionals='4' coveredconditionals='1'/>"
        "<line num='1' count='2' type='stmt'/><line num='2' count='0' type='stmt'/>"
        "<line num='3' count='1' type='cond' truecount='1' falsecount='0'/>"
        "<line num='4' count='7' type='method' name='f'/></file>"
        "<package name='p'><file name='b.php'>"
        "<metrics statements='5' coveredstatements='2'/></file></package></project></coverage>");
    assert_int_equal(d.sources.n, 2);
    assert_source(&d.sources.v[0], "/src/a.js", 2, 1, 1, 3);
    assert_source(&d.sources.v[1], "b.php", 2, 3, 0, 0);
}

static void test_cobertura_adds_up_the_classes_of_a_file(void **state) {
    (void)state;
    struct report_data d = read_one(
        REPORT_COBERTURAXML,
        "<!DOCTYPE coverage SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd'>"
        "<coverage><packages><package name='p'><classes>"
        "<class name='A' filename='p/A.java'><methods><method name='m'><lines>"
        "<line number='1' hits='1'/></lines></method></methods><lines>"
        "<line number='1' hits='1'/>"
        "<line number='2' hits='0' branch='true' condition-coverage='50% (1/2)'/></lines></class>"
        "<class name='A$1' filename='p/A.java'><lines><line number='9' hits='3'/></lines></class>"
        "</classes></package></packages></coverage>");
    assert_int_equal(d.sources.n, 1);
    assert_source(&d.sources.v[0], "p/A.java", 2, 1, 1, 1);
}

static void test_jacoco_with_its_document_type(void **state) {
    (void)state;
    struct report_data d =
        read_one(REPORT_JACOCOXML,
                 "<?xml version='1.0'?><!DOCTYPE report PUBLIC '-//JACOCO//DTD Report 1.1//EN' "
                 "'report.dtd'><report name='r'><group name='g'><package name='org/x'>"
                 "<class name='org/x/C'><counter type='LINE' missed='7' covered='7'/></class>"
                 "<sourcefile name='C.java'><line nr='3' mi='0' ci='2'/>"
                 "<counter type='INSTRUCTION' missed='9' covered='9'/>"
                 "<counter type='LINE' missed='1' covered='5'/>"
                 "<counter type='BRANCH' missed='2' covered='3'/></sourcefile>"
                 "<counter type='LINE' missed='8' covered='8'/></package></group></report>");
    assert_int_equal(d.sources.n, 1);
    assert_source(&d.sources.v[0], "org/x/C.java", 5, 1, 3, 2);
}

static void test_simplecov_of_all_versions(void **state) {
    (void)state;
    struct report_data d = read_one(
        REPORT_SIMPLECOV, "{\"RSpec\":{\"coverage\":{\"/a.rb\":{\"lines\":[1,null,0,5],"
                          "\"branches\":{\"[:if, 0]\":{\"[:then, 1]\":1,\"[:else, 2]\":0}}},"
                          "\"/old.rb\":[null,0,0]},\"timestamp\":1}}");
    assert_int_equal(d.sources.n, 2);
    assert_source(&d.sources.v[0], "/a.rb", 2, 1, 1, 1);
    assert_source(&d.sources.v[1], "/old.rb", 0, 2, 0, 0);
    d = read_one(REPORT_SIMPLECOV,
                 "{\"meta\":{},\"coverage\":{\"/b.rb\":{\"lines\":[1,\"ignored\"],"
                 "\"branches\":[{\"type\":\"then\",\"coverage\":4}]}},\"groups\":{}}");
    assert_source(&d.sources.v[0], "/b.rb", 1, 0, 1, 0);
}

static void test_another_format_is_named(void **state) {
    (void)state;
    struct report_data d;
    struct err err = ERR_INIT;
    report_data_init(&d, &arena, REPORT_TEST);
    assert_int_equal(report_data_add(&d, REPORT_JUNITXML, S("c.xml"), S("<coverage/>"), &err), -1);
    assert_string_equal(err.msg, "expected element type <testsuite> but have <coverage>");
}

static void assert_refused(enum report_format format, struct str text, const char *why) {
    struct report_data d;
    struct err err = ERR_INIT;
    report_data_init(&d, &arena, report_kind_of(format));
    assert_int_equal(report_data_add(&d, format, S("x"), text, &err), -1);
    if (strstr(err.msg, why) == NULL) {
        fail_msg("'%s' does not say '%s'", err.msg, why);
    }
}

static void test_entities_depth_and_damage_are_refused(void **state) {
    (void)state;
    assert_refused(REPORT_JUNITXML,
                   S("<!DOCTYPE testsuite [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]>"
                     "<testsuite name='&b;'/>"),
                   "a document type with declarations of its own is not allowed");
    assert_refused(REPORT_JUNITXML,
                   S("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><testsuite/>"),
                   "not allowed");
    struct buf deep cleanup_buf;
    buf_init(&deep, 1024 * 1024);
    for (int i = 0; i < 1000; i++) {
        buf_add_z(&deep, "<testsuite>");
    }
    assert_refused(REPORT_JUNITXML, buf_str(&deep), "nested too deep");
    assert_refused(REPORT_JUNITXML, S("<testsuite><testcase></testsuite>"), "line 1, column");
    assert_refused(REPORT_JUNITXML, S(""), "no element found");
    assert_refused(REPORT_CUCUMBERJSON, S("{}"), "expected a list of features");
    assert_refused(REPORT_SIMPLECOV, S("[]"), "expected an object");
}

/* Failed ones first; all are counted; names and messages are cut at characters. */
static void test_five_hundred_cases_are_kept_and_failures_before_others(void **state) {
    (void)state;
    struct buf text cleanup_buf;
    buf_init(&text, 64 * 1024 * 1024);
    buf_add_z(&text, "<testsuite>");
    for (int i = 0; i < 1200; i++) {
        buf_printf(&text, "<testcase name='t%d' time='0.001'>%s</testcase>", i,
                   i >= 600 && i < 700 ? "<failure/>" : "");
    }
    buf_add_z(&text, "<testcase name='");
    for (int i = 0; i < 1500; i++) {
        buf_add_z(&text, "\xc3\xa9");
    }
    buf_add_z(&text, "'><error>");
    for (int i = 0; i < 6000; i++) {
        buf_add_z(&text, "\xe2\x82\xac");
    }
    buf_add_z(&text, "</error></testcase></testsuite>");
    struct report_data d = read_one(REPORT_JUNITXML, str_z(&arena, buf_str(&text)));
    size_t failed = 0;
    const struct report_case *last = NULL;
    for (size_t i = 0; i < d.cases.n; i++) {
        failed += d.cases.v[i].status == CASE_FAILED;
        last = d.cases.v[i].status == CASE_ERROR ? &d.cases.v[i] : last;
    }
    assert_int_equal(d.cases.n, 500);
    assert_int_equal(failed, 100);
    assert_true(d.truncated);
    assert_int_equal(report_total(&d), 1201);
    assert_int_equal(d.duration_ns, 1200 * 1000000LL);
    assert_non_null(last);
    assert_int_equal(last->name.n, 2 * REPORT_MAX_NAME);
    assert_int_equal(last->message.n, 3 * REPORT_MAX_MESSAGE);
}

/* ---- the helper ---- */

struct files {
    const char *text[8];
    size_t n, at;
};

static int next_file(void *ud, struct report_input *ret, struct err *err) {
    struct files *f = ud;
    static int open_fd = -1;
    fd_closep(&open_fd);
    if (f->at == f->n) {
        return 0;
    }
    const char *text = f->text[f->at++];
    open_fd = fd_from_bytes("report", str_c(text), err);
    *ret = (struct report_input){open_fd, str_printf(&arena, "dir/%zu.xml", f->at)};
    return open_fd < 0 ? -1 : 1;
}

static void test_the_helper_reads_files_and_complains_about_bad_ones(void **state) {
    (void)state;
    struct files files = {.text = {"<testsuite><testcase name='a'/></testsuite>", "<coverage/>",
                                   "<testsuite><testcase name='b'><failure>x</failure></testcase>"
                                   "</testsuite>"},
                          .n = 3};
    struct report_data d;
    struct report_complaints bad;
    struct err err = ERR_INIT;
    assert_int_equal(report_read(&arena, REPORT_JUNITXML, next_file, &files, &d, &bad, &err), 0);
    assert_int_equal(d.cases.n, 2);
    assert_string_equal(str_z(&arena, d.cases.v[1].path), "dir/3.xml");
    assert_string_equal(str_z(&arena, d.cases.v[1].message), "x");
    assert_int_equal(d.counts[CASE_FAILED], 1);
    assert_int_equal(bad.n, 1);
    assert_string_equal(str_z(&arena, bad.v[0].path), "dir/2.xml");
    assert_string_equal(str_z(&arena, bad.v[0].text),
                        "expected element type <testsuite> but have <coverage>");
}

static void test_the_helper_reads_coverage(void **state) {
    (void)state;
    struct files files = {
        .text = {"<report><package name='p'><sourcefile name='A'>"
                 "<counter type='LINE' missed='1' covered='2'/></sourcefile></package></report>"},
        .n = 1};
    struct report_data d;
    struct report_complaints bad;
    struct err err = ERR_INIT;
    assert_int_equal(report_read(&arena, REPORT_JACOCOXML, next_file, &files, &d, &bad, &err), 0);
    assert_int_equal(d.sources.n, 1);
    assert_source(&d.sources.v[0], "p/A", 2, 1, 0, 0);
}

static void test_what_the_helper_hands_back_is_checked(void **state) {
    (void)state;
    struct report_data d = read_one(REPORT_JUNITXML, "<testsuite><testcase name='a'/></testsuite>");
    struct report_complaints bad = {0};
    struct buf packed cleanup_buf;
    buf_init(&packed, 1024 * 1024);
    report_pack(&packed, &d, &bad);
    struct report_data again;
    struct err err = ERR_INIT;
    for (size_t n = 0; n < packed.n; n++) {
        assert_int_equal(report_unpack(&arena, str_n(packed.p, n), REPORT_TEST, &again, &bad, &err),
                         -1);
    }
    assert_int_equal(report_unpack(&arena, buf_str(&packed), REPORT_TEST, &again, &bad, &err), 0);
    assert_int_equal(
        report_unpack(&arena, buf_str(&packed), REPORT_CODE_COVERAGE, &again, &bad, &err), -1);
    packed.p[1] = 77; /* a status that there is not */
    assert_int_equal(report_unpack(&arena, buf_str(&packed), REPORT_TEST, &again, &bad, &err), -1);
}

static const char *sniffed(const char *name, const char *head) {
    enum report_format format = REPORT_JUNITXML;
    return report_sniff(str_c(name), str_c(head), &format) ? report_format_name(format) : "";
}

static void test_files_are_known_by_their_first_element(void **state) {
    (void)state;
    assert_string_equal(
        sniffed("a.xml", "\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x -->\n<testsuites>"),
        "JUNITXML");
    assert_string_equal(sniffed("a.xml", "<testsuite name='x'>"), "JUNITXML");
    assert_string_equal(sniffed("a.xml", "<testsuitex>"), "");
    assert_string_equal(sniffed("a.xml", "<coverage line-rate='1'>"), "COBERTURAXML");
    assert_string_equal(sniffed("a.xml", "<coverage generated='1'>"), "CLOVERXML");
    assert_string_equal(sniffed("a.xml", "<!DOCTYPE report PUBLIC '-//JACOCO//'><report name='r'>"),
                        "JACOCOXML");
    assert_string_equal(sniffed("a.xml", "<report name='of something else'>"), "");
    assert_string_equal(sniffed("pom.xml", "<project>"), "");
    assert_string_equal(sniffed("a.json", "[{\"keyword\": \"Feature\", \"elements\": ["),
                        "CUCUMBERJSON");
    assert_string_equal(sniffed("package.json", "{\"coverage\": \"x\"}"), "");
    assert_string_equal(sniffed("c/.resultset.json", "{\"RSpec\": {\"coverage\": {"), "SIMPLECOV");
    assert_string_equal(sniffed("a.txt", "<testsuite>"), "");
    assert_string_equal(sniffed("a.xml", ""), "");
    assert_string_equal(sniffed("a.xml", "<!-- no end"), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_junit_of_surefire_and_pytest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_message_stands_before_a_text_that_lacks_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_nunit_2, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nunit_3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_testng_leaves_out_configuration_methods, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_trx_takes_classes_from_the_definitions, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_cucumber_scenarios_are_as_their_worst_step, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_clover_by_lines_and_by_metrics, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cobertura_adds_up_the_classes_of_a_file, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_jacoco_with_its_document_type, setup, teardown),
        cmocka_unit_test_setup_teardown(test_simplecov_of_all_versions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_are_known_by_their_first_element, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_another_format_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_entities_depth_and_damage_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_five_hundred_cases_are_kept_and_failures_before_others,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_helper_reads_files_and_complains_about_bad_ones,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_helper_reads_coverage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_the_helper_hands_back_is_checked, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
