/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/manager.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/channel.h"
#include "daemon/kvpdev.h"
#include "daemon/message_id.h"
#include "daemon/notify.h"
#include "daemon/power.h"
#include "daemon/request.h"
#include "daemon/runtime.h"
#include "daemon/socket.h"
#include "daemon/store.h"
#include "daemon/timekeeper.h"
#include "daemon/uio.h"
#include "hv_util/heartbeat.h"
#include "hv_util/kvp.h"
#include "hv_util/shutdown.h"
#include "hv_util/timesync.h"

struct manager {
	sd_event *event;
	sd_event_source *sigterm, *sigint, *sighup;
	struct conf conf;
	const char *conf_path;
	struct log *log;
	struct sys sys;
	struct sys_rates sys_rates;
	struct notify *notify; /* NULL: there is no service manager */
	struct store *store; /* NULL: all ends with this process */
	struct store *channel_store; /* the same, or NULL: channels end with this process */
	struct runtime runtime;
	bool settled; /* the transport has, and the service manager knows */
	struct socket *socket; /* one of these */
	struct uio *uio;
	struct channel *channels[IC_COMPONENTS]; /* NULL: not served */

	struct heartbeat heartbeat;
	struct timekeeper timekeeper;
	struct timesync timesync;
	struct power power;
	struct shutdown shutdown;
	struct kvp_worker *kvp_worker;
	struct kvp kvp;
	struct kvpdev *kvpdev; /* key-value pairs are served behind the kernel's driver */
	struct log_rate network_trouble;

	struct manager_watcher watcher;
};

/* What a service is given as its user. */
static void *service_user(struct manager *m, enum ic_component component)
{
	switch (component) {
	case IC_HEARTBEAT:
		return &m->heartbeat;
	case IC_KVP:
		return &m->kvp;
	case IC_SHUTDOWN:
		return &m->shutdown;
	case IC_TIMESYNC:
		return &m->timesync;
	case IC_FCOPY:
	case IC_VSS:
	case IC_COMPONENTS:
		break;
	}
	return NULL;
}

/* --- offers --- */

static struct channel *channel_for(struct manager *m, const struct guid *class_id)
{
	for (int i = 0; i < IC_COMPONENTS; i++)
		if (m->channels[i] && memcmp(&ic_class_ids[i], class_id, sizeof(*class_id)) == 0)
			return m->channels[i];
	return NULL;
}

/* An offer that nobody takes stays unopened: the host sees no contact. */
static int on_offered(void *user, struct port *port)
{
	struct manager *m = user;
	struct channel *c = channel_for(m, &port->class_id);
	int r = c ? channel_offered(c, port) : -ENOENT;
	char class_id[GUID_TEXT_SIZE];

	if (r == 0)
		return 0;
	guid_format(&port->class_id, class_id);
	log_line(m->log, LOG_DEBUG, NULL, "channel %u of class %s is not served%s", port->relid,
		 class_id, c ? ": its component has one already" : "");
	return r;
}

static bool on_serves(void *user, const struct guid *class_id)
{
	const struct channel *c = channel_for(user, class_id);
	struct channel_view view;

	if (!c)
		return false;
	channel_view(c, &view);
	return conf_component_is_served(view.conf);
}

static void on_opened(void *user, struct port *port, int error)
{
	(void)user;
	if (port->user)
		channel_opened(port->user, error);
}

static void on_rescinded(void *user, struct port *port)
{
	(void)user;
	if (port->user)
		channel_rescinded(port->user);
	else
		port->ops->release(port);
}

/* Not before: the process that was here until now is missed until then. */
static void on_settled(void *user)
{
	struct manager *m = user;

	m->settled = true;
	notify_ready(m->notify);
}

static void on_ended(void *user, int error)
{
	struct manager *m = user;

	if (error == -EACCES)
		log_error(m->log, "there is no channel that may be opened");
	else if (error < 0)
		log_error(m->log, "lost the host: %s", strerror(-error));
	else
		log_info(m->log, "the host has hung up");
	(void)sd_event_exit(m->event, error < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static const struct transport_events transport_events = {
	.offered = on_offered,
	.serves = on_serves,
	.opened = on_opened,
	.rescinded = on_rescinded,
	.settled = on_settled,
	.ended = on_ended,
};

/* --- key-value pairs --- */

static int apply_ip(void *user, const char *interface, const struct kvp_ip *ip)
{
	struct manager *m = user;

	return m->sys.ops->set_addresses(&m->sys, interface, ip);
}

static void on_kvp_failed(void *user, enum kvp_data_part part, int error)
{
	struct manager *m = user;

	switch (part) {
	case KVP_DATA_POOLS:
		log_warning(m->log, "KVP: cannot use the pool files in %s: %s, requests for them fail",
			    m->conf.pool_directory, strerror(-error));
		break;
	case KVP_DATA_NETWORK:
		log_limited(m->log, &m->network_trouble, m->sys.ops->raw_ns(&m->sys), LOG_WARNING, NULL,
			    "KVP: the kernel does not tell this machine's addresses: %s, their lists are "
			    "empty", strerror(-error));
		break;
	case KVP_DATA_PARTS:
		break;
	}
}

static void on_kvp_changed(void *user, unsigned pool)
{
	struct manager *m = user;

	if (m->watcher.pool_changed)
		m->watcher.pool_changed(m->watcher.user, pool);
}

static int start_kvp(struct manager *m, bool dry_run)
{
	const struct kvp_data_options options = {
		.pool_directory = m->conf.pool_directory,
		.services_version = VMICD_VERSION,
		.dry_run = dry_run,
		.apply_ip = apply_ip,
		.changed = on_kvp_changed,
		.failed = on_kvp_failed,
		.user = m,
	};
	int error, r = kvp_worker_new(m->event, &options, &m->kvp_worker, &error);

	if (r < 0) {
		log_error(m->log, "cannot set up key-value pair exchange: %s", strerror(-r));
		return r;
	}
	if (r > 0)
		log_warning(m->log, "KVP: there can be no thread: %s; a disk that does not answer will keep heartbeats "
			    "waiting", strerror(-error));
	m->kvp = (struct kvp){ .ops = &kvp_client_ops, .user = manager_kvp_client(m, KVP_CLIENT_HOST) };
	return 0;
}

/* Route=hv_utils, which needs a kernel with a driver: a simulated host has none. */
static bool is_behind_driver(const struct manager *m)
{
	return m->conf.kvp_route == CONF_ROUTE_HV_UTILS && m->uio;
}

static int open_kvpdev(struct manager *m)
{
	const struct conf_component *conf = &m->conf.component[IC_KVP];
	const struct kvpdev_options options = {
		.event = m->event,
		.log = m->log,
		.kvp = &m->kvp,
		.policy = &conf->policy,
	};
	int r;

	/* What it says of negotiations is lost on a driver that negotiates itself. */
	if (conf_component_has_own_answers(conf))
		log_warning(m->log, "KVP: hv_utils negotiates itself, what [KVP] says of versions and answers is "
			    "ignored");
	r = kvpdev_new(&options, &m->kvpdev);
	if (r < 0)
		log_error(m->log, "cannot set up KVP behind hv_utils: %s", strerror(-r));
	return r;
}

/* Serves behind the driver as the configuration says now. */
static int update_kvpdev(struct manager *m)
{
	bool wanted = is_behind_driver(m) && conf_component_is_served(&m->conf.component[IC_KVP]);

	if (wanted && !m->kvpdev)
		return open_kvpdev(m);
	if (!wanted)
		m->kvpdev = kvpdev_free(m->kvpdev);
	return 0;
}

static int start_kvpdev(struct manager *m)
{
	if (m->conf.kvp_route == CONF_ROUTE_HV_UTILS && !m->uio)
		log_warning(m->log, "KVP: there is no hv_utils at a simulated host, Route=hv_utils is ignored");
	return update_kvpdev(m);
}

/* --- while it runs --- */

const struct conf *manager_conf(const struct manager *m)
{
	return &m->conf;
}

int manager_view(const struct manager *m, enum ic_component component, struct channel_view *ret)
{
	if (!m->channels[component])
		return -ENODEV;
	channel_view(m->channels[component], ret);
	return 0;
}

void manager_watch(struct manager *m, const struct manager_watcher *watcher)
{
	m->watcher = watcher ? *watcher : (struct manager_watcher){ 0 };
}

struct kvp_client *manager_kvp_client(const struct manager *m, enum kvp_client_id id)
{
	return kvp_worker_client(m->kvp_worker, id);
}

static void tell_configured(struct manager *m)
{
	if (m->watcher.configured)
		m->watcher.configured(m->watcher.user);
}

/* What other objects were made with: it holds until the next start. */
static void keep_fixed(struct manager *m, struct conf *conf)
{
	if (strcmp(conf->pool_directory, m->conf.pool_directory) != 0 ||
	    conf->kvp_route != m->conf.kvp_route)
		log_warning(m->log, "KVP: another PoolDirectory or Route holds from the next start on");
	(void)strcpy(conf->pool_directory, m->conf.pool_directory);
	conf->kvp_route = m->conf.kvp_route;
	if (conf->lock_memory != m->conf.lock_memory)
		log_warning(m->log, "another LockMemory holds from the next start on");
	conf->lock_memory = m->conf.lock_memory;
}

static void check_clock(const struct manager *m)
{
	if (conf_component_is_served(&m->conf.component[IC_TIMESYNC]))
		timekeeper_check(&m->timekeeper);
}

static void apply(struct manager *m, struct conf *conf)
{
	bool is_other[IC_COMPONENTS];

	keep_fixed(m, conf);
	for (int i = 0; i < IC_COMPONENTS; i++)
		is_other[i] = !conf_component_equal(&m->conf.component[i], &conf->component[i]);
	runtime_keep(&m->runtime, conf);
	m->conf = *conf;
	*m->log = log_open(conf->log_target, conf->log_level, m->log->out);
	m->heartbeat.state = conf->application_state;
	m->timekeeper.mode = conf->clock;
	check_clock(m);
	for (int i = 0; i < IC_COMPONENTS; i++)
		if (m->channels[i] && is_other[i])
			channel_update(m->channels[i]);
	(void)update_kvpdev(m); /* which has logged what failed: the rest is in force */
	tell_configured(m);
}

/* What is in force now is another configuration: before and behind are what to say around its profile. */
static void log_configured(const struct manager *m, const char *before, const char *behind)
{
	char f_profile[64];
	const char *const fields[] = { message_id_fields[MESSAGE_CONFIGURED], f_profile, NULL };

	(void)snprintf(f_profile, sizeof(f_profile), "VMIC_PROFILE=%s", m->conf.profile->name);
	log_line(m->log, LOG_INFO, fields, "%sprofile %s%s", before, m->conf.profile->name, behind);
}

int manager_reload(struct manager *m, struct conf_error *error)
{
	struct conf conf;
	int r = conf_read(m->conf_path, &conf, error);

	if (r < 0)
		return r;
	apply(m, &conf);
	log_configured(m, "the configuration was read again, ", "");
	return 0;
}

int manager_set_profile(struct manager *m, const char *name)
{
	const struct profile *profile = profile_find(name);
	struct conf conf = m->conf;

	if (!profile)
		return -ENOENT;
	conf.profile = profile;
	conf_resolve(&conf);
	apply(m, &conf);
	log_configured(m, "", ", until the next reload");
	return 0;
}

int manager_renegotiate(struct manager *m, enum ic_component component)
{
	return m->channels[component] ? channel_renegotiate(m->channels[component]) : -ENODEV;
}

void manager_set_application_state(struct manager *m, enum heartbeat_state state)
{
	m->conf.application_state = state;
	runtime_keep(&m->runtime, &m->conf);
	m->heartbeat.state = state;
	log_info(m->log, "Heartbeat: the host hears from now on that the applications are %s", heartbeat_state_names[state]);
	tell_configured(m);
}

/* --- start and stop --- */

/* A simulated host knows a guest by its connection: who comes after it is another, and has channels of its own. */
static int start_store(struct manager *m, bool channels_can_outlive)
{
	int r = notify_new(m->event, m->log, &m->notify);

	if (r < 0) {
		log_error(m->log, "cannot talk to the service manager: %s", strerror(-r));
		return r;
	}
	r = store_new(m->notify, m->log, &m->store);
	if (r < 0) {
		log_error(m->log, "cannot take what the service manager has kept: %s", strerror(-r));
		return r;
	}
	m->runtime = (struct runtime){ .log = m->log, .store = m->store, .fd = -1 };
	runtime_restore(&m->runtime, &m->conf);
	if (channels_can_outlive)
		m->channel_store = m->store;
	else
		store_drop_rest(m->store);
	return 0;
}

static int start_socket(struct manager *m, const char *path)
{
	int r = socket_new(m->event, m->log, path, &transport_events, m, &m->socket);

	if (r < 0)
		log_error(m->log, "cannot reach a host at %s: %s%s", path, strerror(-r),
			  r == -ENOENT || r == -ECONNREFUSED ? " (is vmichost running?)" : "");
	return r;
}

static int start_uio(struct manager *m)
{
	int r = uio_new(m->event, m->log, m->channel_store, &uio_node_linux, &transport_events, m, &m->uio);

	if (r == -ENODEV)
		log_error(m->log, "there is no VMBus here: this is no Hyper-V guest, or hv_vmbus is not loaded");
	else if (r < 0)
		log_error(m->log, "cannot follow the devices of the VMBus: %s", strerror(-r));
	return r;
}

static void on_news(void *user, enum ic_component component, enum channel_news news)
{
	struct manager *m = user;

	if (m->watcher.news)
		m->watcher.news(m->watcher.user, component, news);
}

static void on_clock_stepped(void *user, int64_t ns)
{
	struct manager *m = user;

	if (m->watcher.clock_stepped)
		m->watcher.clock_stepped(m->watcher.user, ns);
}

static void on_shutdown_requested(void *user, const struct shutdown_request *request)
{
	struct manager *m = user;

	if (m->watcher.shutdown_requested)
		m->watcher.shutdown_requested(m->watcher.user, request);
}

static int start_channels(struct manager *m)
{
	for (size_t i = 0; i < ic_n_services; i++) {
		const struct ic_service *service = ic_services[i];
		const struct channel_options options = {
			.event = m->event,
			.log = m->log,
			.service = service,
			.conf = &m->conf.component[service->component],
			.user = service_user(m, service->component),
			.user_logs = service->component == IC_TIMESYNC || service->component == IC_SHUTDOWN,
			.store = m->channel_store,
			.news = on_news,
			.news_user = m,
		};
		int r;

		if (service->component == IC_KVP && is_behind_driver(m))
			continue;
		if (!options.user) {
			log_error(m->log, "%s has nothing to work on: service_user does not know it",
				  service->name);
			return -ENOSYS;
		}
		r = channel_new(&options, &m->channels[service->component]);
		if (r < 0) {
			log_error(m->log, "cannot set up %s: %s", service->name, strerror(-r));
			return r;
		}
	}
	return 0;
}

static int on_sighup(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	const char *const misconfigured[] = { message_id_fields[MESSAGE_MISCONFIGURED], NULL };
	struct manager *m = user;
	struct conf_error error;

	(void)source;
	(void)info;
	/* READY=1 says the end of a reload, and of a start: one that goes on has its own. */
	if (m->settled)
		notify_reloading(m->notify);
	if (manager_reload(m, &error) < 0)
		log_line(m->log, LOG_ERR, misconfigured, "the configuration stays as it was: %s", error.text);
	if (m->settled)
		notify_ready(m->notify);
	return 0;
}

static int start_signals(struct manager *m)
{
	sigset_t set;
	int r;

	/* A pool file at its size limit, or a reader of our log that has gone, is an error to be handled
	 * where it occurs. */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	/* Without a handler: the signal ends the loop, not the process. */
	r = sd_event_add_signal(m->event, &m->sigterm, SIGTERM, NULL, NULL);
	if (r < 0)
		return r;
	r = sd_event_add_signal(m->event, &m->sigint, SIGINT, NULL, NULL);
	if (r < 0)
		return r;
	return sd_event_add_signal(m->event, &m->sighup, SIGHUP, on_sighup, m);
}

static void manager_freep(struct manager **m)
{
	*m = manager_free(*m);
}

int manager_new(sd_event *event, const struct manager_options *options, struct manager **ret)
{
	_cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
	int r;

	if (!m) {
		log_error(options->log, "out of memory");
		return -ENOMEM;
	}
	m->event = sd_event_ref(event);
	m->conf = *options->conf;
	m->conf_path = options->conf_path;
	m->log = options->log;
	m->sys = (struct sys){
		.ops = options->dry_run ? &sys_null : &sys_linux,
		.log = options->log,
		.rates = &m->sys_rates,
		.requests = request_directory(),
	};
	m->runtime.fd = -1;
	r = start_store(m, !options->socket_path);
	if (r < 0)
		return r;
	m->heartbeat.state = m->conf.application_state;
	m->timekeeper = (struct timekeeper){
		.sys = &m->sys,
		.mode = options->conf->clock,
		.stepped = options->dry_run ? NULL : on_clock_stepped,
		.user = m,
	};
	m->timesync = (struct timesync){ .sample = timekeeper_take, .user = &m->timekeeper };
	m->power = (struct power){ .sys = &m->sys, .requested = on_shutdown_requested, .user = m };
	m->shutdown = (struct shutdown){ .request = power_take, .user = &m->power };

	r = start_signals(m);
	if (r < 0) {
		log_error(m->log, "cannot set up signals: %s", strerror(-r));
		return r;
	}
	r = power_init(&m->power, event);
	if (r < 0) {
		log_error(m->log, "cannot set up shutdown: %s", strerror(-r));
		return r;
	}
	/* First the host, offers come later from the loop: where there is none, no file is made that
	 * other programs would take for a sign of Hyper-V. */
	r = options->socket_path ? start_socket(m, options->socket_path) : start_uio(m);
	if (r < 0)
		return r;
	r = start_kvp(m, options->dry_run);
	if (r < 0)
		return r;
	r = start_kvpdev(m);
	if (r < 0)
		return r;
	r = start_channels(m);
	if (r < 0)
		return r;
	check_clock(m);
	*ret = TAKE_PTR(m);
	return 0;
}

struct manager *manager_free(struct manager *m)
{
	if (!m)
		return NULL;
	notify_stopping(m->notify);
	/* Channels let go of their ports before the transport unmaps them. With a store they are not closed: if
	 * the service manager keeps what is open the next process takes over, and if not they end with this one. */
	for (int i = 0; i < IC_COMPONENTS; i++)
		m->channels[i] = m->channel_store ? channel_leave(m->channels[i]) : channel_free(m->channels[i]);
	m->socket = socket_free(m->socket);
	m->uio = uio_free(m->uio);
	m->kvpdev = kvpdev_free(m->kvpdev);
	m->kvp_worker = kvp_worker_free(m->kvp_worker);
	runtime_done(&m->runtime);
	m->store = store_free(m->store);
	m->notify = notify_free(m->notify);
	power_done(&m->power);
	m->sigterm = sd_event_source_disable_unref(m->sigterm);
	m->sigint = sd_event_source_disable_unref(m->sigint);
	m->sighup = sd_event_source_disable_unref(m->sighup);
	m->event = sd_event_unref(m->event);
	free(m);
	return NULL;
}
