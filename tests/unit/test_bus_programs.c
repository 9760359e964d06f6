/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs as they are, on a bus of the test's own: who changes the profile there sees the host
 * report it, and who is somebody else may look and no more. */
#include <jansson.h>

#include "tests/unit/private_bus.h"
#include "tests/unit/program.h"

#define MANAGER "org.vmicd1", "/org/vmicd1", "org.vmicd1.Manager"
#define MISMATCH                                                        \
	"The protocol version of the component installed in the virtual " \
	"machine does not match the version expected by the hosting system."

struct fixture {
	struct private_bus bus;
	struct program host;
	sd_bus *asker;
};

static const char *vmicd(void)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s", program_path("vmicd", "VMICD"));
	return path;
}

static void fixture_init(struct fixture *f, const char *seconds)
{
	const char *const args[] = { "run", "--release", "2019", "--json", "--for", seconds, "--", vmicd(),
				     "--dry-run", "--config=/dev/null", "--transport=socket:{socket}", NULL };

	*f = (struct fixture){ 0 };
	private_bus_init(&f->bus, "");
	private_bus_run(&f->bus);
	program_start(&f->host, program_path("vmichost", "VMICHOST"), args);
	assert_true(sd_bus_new(&f->asker) >= 0);
	assert_true(sd_bus_set_address(f->asker, f->bus.address) >= 0);
	assert_true(sd_bus_set_bus_client(f->asker, true) >= 0);
	assert_true(sd_bus_start(f->asker) >= 0);
}

static void fixture_done(struct fixture *f)
{
	f->asker = sd_bus_close_unref(f->asker);
	private_bus_done(&f->bus);
}

/* Waits until time synchronization is agreed on. */
static void await_agreement(sd_bus *asker)
{
	uint64_t until = usec_now() + PATIENCE_USEC;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	char *state = NULL;

	while (sd_bus_get_property_string(asker, "org.vmicd1", "/org/vmicd1/component/timesync",
					  "org.vmicd1.Component", "State", &error, &state) < 0 ||
	       strcmp(state, "running") != 0) {
		assert_true(usec_now() < until);
		sd_bus_error_free(&error);
		free(state);
		state = NULL;
		(void)usleep(10000);
	}
	free(state);
}

/* What the host reports of time synchronization, as text: "OK", and perhaps a second word. */
static void report_of_timesync(struct fixture *f, char *to, size_t size)
{
	json_error_t why;
	json_t *report, *component;
	int status;
	size_t i;

	assert_int_equal(waitpid(f->host.pid, &status, 0), f->host.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(lseek(f->host.out_fd, 0, SEEK_SET), 0);
	report = json_loadfd(f->host.out_fd, 0, &why);
	assert_non_null(report);
	to[0] = '\0';
	json_array_foreach(json_object_get(report, "components"), i, component) {
		const json_t *words = json_object_get(json_object_get(component, "verdict"), "status_descriptions");

		if (strcmp(json_string_value(json_object_get(component, "component")), "timesync") != 0)
			continue;
		for (size_t w = 0; w < json_array_size(words); w++)
			(void)snprintf(to + strlen(to), size - strlen(to), "%s%.200s", w > 0 ? ", " : "",
				       json_string_value(json_array_get(words, w)));
	}
	json_decref(report);
	(void)close(f->host.out_fd);
	(void)close(f->host.err_fd);
}

static void assert_reported(const char *profile, const char *expected)
{
	struct fixture f;
	uint64_t began;
	char text[300];

	fixture_init(&f, "2");
	await_agreement(f.asker);
	(void)usleep(500000);
	began = usec_now();
	if (profile)
		assert_true(sd_bus_call_method(f.asker, MANAGER, "SetProfile", NULL, NULL, "s", profile) >= 0);
	report_of_timesync(&f, text, sizeof(text));
	assert_string_equal(text, expected);
	if (profile)
		print_message("asked for, and reported after %.1f s\n", (double)(usec_now() - began) / 1e6);
	fixture_done(&f);
}

static void another_profile_is_what_the_host_reports(void **state)
{
	(void)state;
	assert_reported(NULL, "OK, " MISMATCH);
	assert_reported("newest", "OK");
}

/* The bus itself says who somebody is; there is no polkit on it. */
static int try_as_somebody(const char *address)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus *bus = NULL;
	char *profile = NULL;

	if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		return 10;
	if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, address) < 0 ||
	    sd_bus_set_bus_client(bus, true) < 0 || sd_bus_start(bus) < 0)
		return 11;
	if (sd_bus_get_property_string(bus, MANAGER, "Profile", NULL, &profile) < 0 ||
	    strcmp(profile, "legacy") != 0)
		return 12;
	if (sd_bus_call_method(bus, MANAGER, "SetProfile", &error, NULL, "s", "newest") >= 0)
		return 13;
	return sd_bus_error_has_name(&error, SD_BUS_ERROR_ACCESS_DENIED) ? 0 : 14;
}

static void somebody_else_may_look_and_no_more(void **state)
{
	struct fixture f;
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	fixture_init(&f, "30");
	await_agreement(f.asker);
	pid = fork();
	if (pid == 0)
		_exit(try_as_somebody(f.bus.address));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(kill(f.host.pid, SIGTERM), 0);
	program_wait(&f.host);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_profile_is_what_the_host_reports),
		cmocka_unit_test(somebody_else_may_look_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
