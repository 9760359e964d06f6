// SPDX-License-Identifier: GPL-2.0-only
// What the guest cannot find by itself: power-off, the serial ports and the VMBus. Linux' hv_vmbus is a
// driver for the ACPI device "VMBUS"; it wants a _CRS, and finds nothing that it needs in it.
DefinitionBlock ("", "DSDT", 2, "VMICHO", "VMICHOST", 1)
{
    Name (\_S5, Package () { 5, 5, 0, 0 })

    Scope (\_SB)
    {
        Device (VMBS)
        {
            Name (_HID, "VMBUS")
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate () {})
        }

        Device (COM1)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate () {
                IO (Decode16, 0x03F8, 0x03F8, 1, 8)
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 4 }
            })
        }

        Device (COM2)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_UID, 1)
            Name (_CRS, ResourceTemplate () {
                IO (Decode16, 0x02F8, 0x02F8, 1, 8)
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 3 }
            })
        }
    }
}
