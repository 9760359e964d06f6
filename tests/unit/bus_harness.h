/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon at a simulated host and on a bus of the test's own, all on one event loop: the manager and
 * its bus, one who asks, and one who says as polkit and as the bus who the asker is and what they may.
 * Included by one file of a program, since it defines functions of libsystemd and libc.
 */
#pragma once

#include <dlfcn.h>
#include <sys/timex.h>

#include "daemon/bus/object.h"
#include "tests/unit/private_bus.h"
#include "tests/unit/program.h"

#define MANAGER "/org/vmicd1", "org.vmicd1.Manager"
#define COMPONENT(name) "/org/vmicd1/component/" name, "org.vmicd1.Component"

/* --- polkit, and who is who --- */

enum verdict {
	VERDICT_YES,
	VERDICT_NO,
	VERDICT_CHALLENGE, /* yes, after a dialogue, which the caller must have allowed */
	VERDICT_NEVER,     /* it does not answer */
	VERDICT_ERROR,
};

#define SOMEBODY (geteuid() + 1000)

static struct {
	enum verdict verdict;
	unsigned asked, cancelled;
	char action[64], name[64];
	uint64_t ids, cancelled_ids; /* a bit for each: they are "vmicd-NUMBER" */
	uint32_t flags;
	uid_t caller;           /* whom the bus says the caller is */
	bool bus_never_answers; /* about who that is */
	unsigned users_asked;
} authority;

static inline uint64_t bit_of(const char *id)
{
	unsigned number;

	assert_int_equal(sscanf(id, "vmicd-%u", &number), 1);
	return UINT64_C(1) << number % 64;
}

static int on_check_authorization(sd_bus_message *m, void *user, sd_bus_error *error)
{
	const char *kind, *key, *name, *action, *id;
	int allowed = authority.verdict == VERDICT_YES;

	(void)user;
	assert_true(sd_bus_message_enter_container(m, 'r', "sa{sv}") > 0);
	assert_true(sd_bus_message_read(m, "sa{sv}", &kind, 1, &key, "s", &name) > 0);
	assert_true(sd_bus_message_exit_container(m) > 0);
	assert_true(sd_bus_message_read(m, "sa{ss}us", &action, 0, &authority.flags, &id) > 0);
	assert_string_equal(kind, "system-bus-name");
	assert_string_equal(key, "name");
	(void)snprintf(authority.action, sizeof(authority.action), "%s", action);
	(void)snprintf(authority.name, sizeof(authority.name), "%s", name);
	authority.ids |= bit_of(id);
	authority.asked++;
	switch (authority.verdict) {
	case VERDICT_NEVER:
		return 1;
	case VERDICT_ERROR:
		return sd_bus_error_set(error, "org.freedesktop.PolicyKit1.Error.Failed", "no idea");
	case VERDICT_CHALLENGE:
		allowed = (authority.flags & 1) != 0;
		break;
	case VERDICT_YES:
	case VERDICT_NO:
		break;
	}
	return sd_bus_reply_method_return(m, "(bba{ss})", allowed,
					  authority.verdict == VERDICT_CHALLENGE && !allowed, 0);
}

static int on_cancel(sd_bus_message *m, void *user, sd_bus_error *error)
{
	const char *id;

	(void)user, (void)error;
	assert_true(sd_bus_message_read(m, "s", &id) > 0);
	authority.cancelled_ids |= bit_of(id);
	authority.cancelled++;
	return 1;
}

static const sd_bus_vtable polkit_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", on_check_authorization,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("CancelCheckAuthorization", "s", "", on_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static inline bool has_name(sd_bus *bus, const char *name)
{
	_cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;

	return sd_bus_get_name_creds(bus, name, 0, &creds) >= 0;
}

static int on_user_asked(sd_bus_message *m, void *user, sd_bus_error *error)
{
	const char *name;

	(void)user;
	assert_true(sd_bus_message_read(m, "s", &name) > 0);
	authority.users_asked++;
	if (!has_name(sd_bus_message_get_bus(m), name))
		return sd_bus_error_set(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER, "gone");
	return authority.bus_never_answers ? 1 : sd_bus_reply_method_return(m, "u", (uint32_t)authority.caller);
}

#define USERS "org.vmicd1.test.Users"

static const sd_bus_vtable users_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("GetConnectionUnixUser", "s", "u", on_user_asked, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

/* Ours instead of libsystemd's: all callers of a test are of one user, so that who they are is asked
 * of somebody who can say otherwise. */
int sd_bus_call_method_async(sd_bus *bus, sd_bus_slot **slot, const char *destination, const char *path,
			     const char *interface, const char *member, sd_bus_message_handler_t callback,
			     void *userdata, const char *types, ...)
{
	va_list ap;
	int r;

	if (strcmp(member, "GetConnectionUnixUser") == 0) {
		destination = interface = USERS;
		path = "/";
	}
	va_start(ap, types);
	r = sd_bus_call_method_asyncv(bus, slot, destination, path, interface, member, callback, userdata,
				      types, ap);
	va_end(ap);
	return r;
}

/* --- the clocks --- */

static struct {
	unsigned steps;
	int64_t ns;
} clock_steps;

/* Ours instead of libc's: no test sets the machine's clock. */
int clock_adjtime(clockid_t id, struct timex *tx)
{
	assert_int_equal(id, CLOCK_REALTIME);
	clock_steps.steps++;
	clock_steps.ns = tx->time.tv_sec * INT64_C(1000000000) + tx->time.tv_usec;
	return 0;
}

/* By how much the loop's time is ahead: a test need not wait for what takes long. */
static uint64_t time_ahead_usec;

int sd_event_now(sd_event *e, clockid_t clock, uint64_t *ret)
{
	(void)e;
	assert_int_equal(clock, CLOCK_MONOTONIC);
	*ret = usec_now() + time_ahead_usec;
	return 0;
}

/* --- all of them --- */

struct bus_fixture {
	struct private_bus bus;
	sd_event *event;
	sd_bus *asker, *authorities;
	struct program host;
	char host_socket[100], pools[100], conf_path[100], transport[120];
	struct conf conf;
	struct log_out out;
	struct log log;
	struct manager *manager;
	struct bus *daemon;
};

/* Whether it came to be before anybody's patience was at its end. */
static inline bool comes_true(struct bus_fixture *f, bool (*is_so)(struct bus_fixture *f))
{
	uint64_t until = usec_now() + PATIENCE_USEC;

	while (!is_so(f)) {
		if (usec_now() > until)
			return false;
		assert_true(sd_event_run(f->event, 20000) >= 0);
	}
	return true;
}

/* Lets so much time pass. */
static inline void run_for(struct bus_fixture *f, uint64_t usec)
{
	uint64_t until = usec_now() + usec;

	while (usec_now() < until)
		assert_true(sd_event_run(f->event, 5000) >= 0);
}

static inline bool daemon_is_there(struct bus_fixture *f)
{
	return has_name(f->asker, "org.vmicd1");
}

static inline bool all_run(struct bus_fixture *f)
{
	static const enum ic_component served[] = { IC_HEARTBEAT, IC_KVP, IC_TIMESYNC };
	struct channel_view view;

	for (size_t i = 0; i < ARRAY_LEN(served); i++)
		if (manager_view(f->manager, served[i], &view) < 0 || strcmp(view.state, "running") != 0)
			return false;
	return true;
}

static inline void authorities_start(struct bus_fixture *f)
{
	memset(&authority, 0, sizeof(authority));
	authority.caller = SOMEBODY;
	f->authorities = private_bus_connect(&f->bus, f->event);
	assert_true(sd_bus_add_object_vtable(f->authorities, NULL, "/org/freedesktop/PolicyKit1/Authority",
					     "org.freedesktop.PolicyKit1.Authority", polkit_vtable, NULL) >= 0);
	assert_true(sd_bus_add_object_vtable(f->authorities, NULL, "/", USERS, users_vtable, NULL) >= 0);
	assert_true(sd_bus_request_name(f->authorities, "org.freedesktop.PolicyKit1", 0) >= 0);
	assert_true(sd_bus_request_name(f->authorities, USERS, 0) >= 0);
}

/* With two words more, or NULL. */
static inline void host_start_with(struct bus_fixture *f, const char *option, const char *value)
{
	const char *const args[] = { "run", "--release", "2019", "--socket", f->host_socket, "--for", "600",
				     "--heartbeat-ms", "100", option, value, NULL };

	program_start(&f->host, program_path("vmichost", "VMICHOST"), args);
	for (uint64_t until = usec_now() + PATIENCE_USEC; access(f->host_socket, F_OK) < 0;) {
		assert_true(usec_now() < until);
		(void)usleep(2000);
	}
}

static inline void host_start(struct bus_fixture *f)
{
	host_start_with(f, NULL, NULL);
}

static inline void daemon_start(struct bus_fixture *f)
{
	const struct manager_options options = {
		.conf = &f->conf,
		.conf_path = f->conf_path,
		.log = &f->log,
		.socket_path = f->host_socket,
	};
	struct bus_options bus_options = { .event = f->event, .log = &f->log, .transport = f->transport };
	int r;

	/* The socket is there a moment before it is listened at. */
	f->log.max_level = LOG_EMERG;
	for (uint64_t until = usec_now() + PATIENCE_USEC;
	     (r = manager_new(f->event, &options, &f->manager)) == -ECONNREFUSED && usec_now() < until;)
		(void)usleep(2000);
	f->log.max_level = LOG_ERR;
	assert_int_equal(r, 0);
	bus_options.manager = f->manager;
	assert_int_equal(bus_new(&bus_options, &f->daemon), 0);
}

/* As the tests want it, before anything is started. */
static inline void fixture_prepare(struct bus_fixture *f, const char *limits)
{
	struct conf_error error;
	char text[300];

	memset(f, 0, sizeof(*f));
	memset(&clock_steps, 0, sizeof(clock_steps));
	private_bus_init(&f->bus, limits);
	temp_dir_path(&f->bus.dir, "host", f->host_socket, sizeof(f->host_socket));
	temp_dir_path(&f->bus.dir, "pools", f->pools, sizeof(f->pools));
	temp_dir_path(&f->bus.dir, "conf", f->conf_path, sizeof(f->conf_path));
	(void)snprintf(f->transport, sizeof(f->transport), "socket:%s", f->host_socket);
	(void)snprintf(text, sizeof(text), "[Daemon]\nLogLevel=err\n[KVP]\nPoolDirectory=%s\n"
		       "[TimeSync]\nClock=step\n", f->pools);
	temp_dir_put(&f->bus.dir, "conf", text);
	if (conf_read(f->conf_path, &f->conf, &error) < 0)
		fail_msg("%s", error.text);
	/* LOG_ERR alone: what is logged at other levels belongs to the tests' luck. */
	f->out.fd = -1;
	f->log = log_open(LOG_TARGET_STDERR, LOG_ERR, &f->out);
	assert_true(sd_event_new(&f->event) >= 0);
}

static inline void fixture_start(struct bus_fixture *f)
{
	fixture_prepare(f, "");
	private_bus_run(&f->bus);
	f->asker = private_bus_connect(&f->bus, f->event);
	authorities_start(f);
	host_start(f);
	daemon_start(f);
	assert_true(comes_true(f, daemon_is_there));
	assert_true(comes_true(f, all_run));
}

static inline void fixture_done(struct bus_fixture *f)
{
	sigset_t mask;

	f->daemon = bus_free(f->daemon);
	f->manager = manager_free(f->manager);
	f->asker = sd_bus_close_unref(f->asker);
	f->authorities = sd_bus_close_unref(f->authorities);
	f->event = sd_event_unref(f->event);
	if (f->host.pid > 0) {
		(void)kill(f->host.pid, SIGKILL);
		program_wait(&f->host);
	}
	private_bus_done(&f->bus);
	log_out_close(&f->out);
	/* The manager blocks what it handles. */
	(void)sigemptyset(&mask);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* --- asking --- */

struct answer {
	sd_bus_message *m; /* NULL: it has not come */
	char error[64];    /* its name; "": none */
	char text[65536];  /* its contents, or the error's message */
};

static int on_answer(sd_bus_message *m, void *user, sd_bus_error *unused)
{
	const sd_bus_error *error = sd_bus_message_get_error(m);
	struct answer *a = user;

	(void)unused;
	sd_bus_message_unref(a->m); /* of the call before, which was answered as well */
	a->m = sd_bus_message_ref(m);
	(void)snprintf(a->error, sizeof(a->error), "%s", error ? error->name : "");
	(void)snprintf(a->text, sizeof(a->text), "%s", error ? error->message : show_message(m));
	return 0;
}

static inline void answer_clear(struct answer *a)
{
	a->m = sd_bus_message_unref(a->m);
	a->error[0] = a->text[0] = '\0';
}

static inline sd_bus_message *new_call(sd_bus *bus, const char *path, const char *interface, const char *member)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_call(bus, &m, "org.vmicd1", path, interface, member) >= 0);
	return m;
}

static inline void send_call(sd_bus *bus, sd_bus_message *m, struct answer *a, sd_bus_slot **slot)
{
	answer_clear(a);
	assert_true(sd_bus_call_async(bus, slot, m, on_answer, a, PATIENCE_USEC) >= 0);
	sd_bus_message_unref(m);
}

static inline void await(struct bus_fixture *f, struct answer *a)
{
	while (!a->m)
		assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
}

/* Calls and waits for the answer: static, good until the next one. */
static inline struct answer *ask(struct bus_fixture *f, const char *path, const char *interface,
				 const char *member, const char *types, ...)
{
	static struct answer a;
	sd_bus_message *m = new_call(f->asker, path, interface, member);
	va_list ap;

	va_start(ap, types);
	assert_true(types[0] == '\0' || sd_bus_message_appendv(m, types, ap) >= 0);
	va_end(ap);
	send_call(f->asker, m, &a, NULL);
	await(f, &a);
	return &a;
}

static inline const char *property(struct bus_fixture *f, const char *path, const char *interface,
				   const char *name)
{
	struct answer *a = ask(f, path, "org.freedesktop.DBus.Properties", "Get", "ss", interface, name);

	assert_string_equal(a->error, "");
	return a->text;
}

#define assert_answer(f, expected, ...)                          \
	do {                                                     \
		struct answer *given = ask(f, __VA_ARGS__);      \
								 \
		assert_string_equal(given->error, "");           \
		assert_string_equal(given->text, expected);      \
	} while (0)

static inline void assert_begins(const char *text, const char *beginning)
{
	if (strncmp(text, beginning, strlen(beginning)) != 0)
		fail_msg("'%.300s' does not begin with '%s'", text, beginning);
}

#define assert_error(f, expected, ...) assert_string_equal(ask(f, __VA_ARGS__)->error, expected)

/* --- listening --- */

#define HEARD_MAX 512

static struct {
	unsigned n;
	char text[HEARD_MAX][2048]; /* "component/kvp Negotiated 'agreed' ..." */
} heard;

static int on_heard(sd_bus_message *m, void *user, sd_bus_error *error)
{
	const char *path = sd_bus_message_get_path(m) + strlen("/org/vmicd1");

	(void)user, (void)error;
	assert_true(heard.n < HEARD_MAX);
	(void)snprintf(heard.text[heard.n++], sizeof(heard.text[0]), "%s %s %.1900s", path[0] ? path + 1 : "-",
		       sd_bus_message_get_member(m), show_message(m));
	return 0;
}

static inline void listen_to_signals(struct bus_fixture *f)
{
	heard.n = 0;
	assert_true(sd_bus_add_match(f->asker, NULL, "type='signal',sender='org.vmicd1',"
				     "path_namespace='/org/vmicd1'", on_heard, NULL) >= 0);
}

static inline bool all_is_told(struct bus_fixture *f)
{
	return sd_event_source_get_enabled(f->daemon->news.pace, NULL) == 0;
}

/* Waits until the host has done what it does at first, and nothing more is told: what the daemon has told before it
 * answers has come before the answer, however slow the bus is. */
static inline void settle(struct bus_fixture *f)
{
	unsigned before;

	listen_to_signals(f);
	while (strcmp(property(f, MANAGER, "VirtualMachineName"), "<''>") == 0)
		run_for(f, 20000);
	do {
		before = heard.n;
		run_for(f, 250000);
		assert_true(comes_true(f, all_is_told));
		(void)property(f, MANAGER, "VirtualMachineName");
	} while (heard.n != before);
	heard.n = 0;
}

/* The index of the first from there on that begins so, or -1. */
static inline int heard_from(unsigned first, const char *beginning)
{
	for (unsigned i = first; i < heard.n; i++)
		if (strncmp(heard.text[i], beginning, strlen(beginning)) == 0)
			return (int)i;
	return -1;
}

static inline int await_signal(struct bus_fixture *f, const char *beginning)
{
	uint64_t until = usec_now() + PATIENCE_USEC;
	int i;

	while ((i = heard_from(0, beginning)) < 0) {
		if (usec_now() > until) {
			for (unsigned j = 0; j < heard.n; j++)
				print_error("%s\n", heard.text[j]);
			fail_msg("no signal '%s'", beginning);
		}
		assert_true(sd_event_run(f->event, 20000) >= 0);
	}
	return i;
}
