// SPDX-License-Identifier: BSD-2-Clause
/* The device behind the interface, where it is a real one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "doctor/doctor.h"
#include "doctor/patient.h"
#include "doctor/sysfile.h"

/* A feature of the interface's: 1 on, 0 off, -ENOENT it has none of that name. */
static int feature(const struct patient *p, const char *name)
{
	struct nl_feature all[NL_MAX_FEATURES];
	int n = nl_features(p->ifname, all, NL_MAX_FEATURES);

	for (int i = 0; i < n; i++)
		if (!strcmp(all[i].name, name))
			return all[i].active;
	return n < 0 ? n : -ENOENT;
}

static void look_feature(const struct patient *p, struct finding *f, const char *name,
			 const char *option)
{
	int on = feature(p, name);

	if (on < 0) {
		say_skip(f, "%s does not tell", p->link.driver);
		return;
	}
	if (!on) {
		say_ok(f, "off");
		return;
	}
	say_warn(f, "on");
	say_fix(f, "ethtool -K %s %s off", p->ifname, option);
}

static void look_lro(const struct patient *p, struct finding *f)
{
	look_feature(p, f, "rx-lro", "lro");
}

static void look_gro_hw(const struct patient *p, struct finding *f)
{
	look_feature(p, f, "rx-gro-hw", "rx-gro-hw");
}

static void look_ring(const struct patient *p, struct finding *f)
{
	struct nl_ring_sizes ring;

	if (nl_ring_sizes(p->ifname, &ring) || !ring.rx_max) {
		say_skip(f, "%s has no rings to set", p->link.driver);
		return;
	}
	if (ring.rx >= 1024 || ring.rx == ring.rx_max) {
		say_ok(f, "%u entries", ring.rx);
		return;
	}
	say_warn(f, "%u of %u entries", ring.rx, ring.rx_max);
	say_fix(f, "ethtool -G %s rx %u", p->ifname, ring.rx_max < 4096 ? ring.rx_max : 4096);
}

static void look_pause(const struct patient *p, struct finding *f)
{
	bool rx, tx;

	if (nl_pause(p->ifname, &rx, &tx))
		say_skip(f, "%s has no pause frames", p->link.driver);
	else if (!rx && !tx)
		say_ok(f, "off");
	else
		say_warn(f, "on:%s%s", rx ? " rx" : "", tx ? " tx" : "");
	if (f->status == FINDING_WARN)
		say_fix(f, "ethtool -A %s autoneg off rx off tx off", p->ifname);
}

/* "16.0 GT/s PCIe" or "8": what a file of the device's says; 0: nothing. */
static double device_number(const struct patient *p, const char *file)
{
	char text[64];

	if (sysfile_line(text, sizeof(text), "/sys/class/net/%s/device/%s", p->ifname, file))
		return 0;
	return strtod(text, NULL);
}

static void look_pcie(const struct patient *p, struct finding *f)
{
	double speed = device_number(p, "current_link_speed"),
	       most_speed = device_number(p, "max_link_speed"),
	       width = device_number(p, "current_link_width"),
	       most_width = device_number(p, "max_link_width");

	if (!speed || !width)
		say_skip(f, "not a PCIe device, or it does not tell");
	else if (speed >= most_speed && width >= most_width)
		say_ok(f, "%.1f GT/s, %.0f lanes", speed, width);
	else
		say_warn(f, "%.1f GT/s, %.0f lanes, of %.1f GT/s, %.0f lanes", speed, width,
			 most_speed, most_width);
	if (f->status == FINDING_WARN)
		say_fix(f, "# put it into a faster slot");
}

static void look_iommu(const struct patient *p, struct finding *f)
{
	char type[64];

	if (sysfile_line(type, sizeof(type), "/sys/class/net/%s/device/iommu_group/type",
			 p->ifname))
		say_skip(f, "no IOMMU before it");
	else if (strcmp(type, "DMA"))
		say_ok(f, "%s", type);
	else
		say_warn(f, "DMA: strict");
	if (f->status == FINDING_WARN)
		say_fix(f, "echo DMA-FQ > /sys/class/net/%s/device/iommu_group/type", p->ifname);
}

static const struct check checks[] = {
	{"lro", "off", "packets that were joined are none that a wire carries, and stop native XDP",
	 look_lro},
	{"gro-hw", "off", "packets that were joined are none that a wire carries", look_gro_hw},
	{"nic-ring", "1,024 entries or more", "a short burst overruns a short ring", look_ring},
	{"pause", "off", "a pause frame stops the other end instead of dropping: it hides overload",
	 look_pause},
	{"pcie", "the fastest link the device can have",
	 "fewer lanes carry fewer packets: 8 GT/s on 8 lanes are 63 Gbit/s", look_pcie},
	{"iommu", "DMA-FQ (lazy) or identity",
	 "strict flushes the IOMMU's cache with each buffer that is unmapped", look_iommu},
};

const struct check_group doctor_nic = {"nic", checks, sizeof(checks) / sizeof(*checks)};
