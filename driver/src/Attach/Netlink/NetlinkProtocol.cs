namespace CsiThin.Driver.Attach.Netlink;

/// <summary>
/// Numbers of netlink and generic netlink (include/uapi/linux/netlink.h, genetlink.h). Everything is in the host's byte order.
/// </summary>
internal static class NetlinkProtocol
{
    /// <summary>Bytes of <c>struct nlmsghdr</c>: length, type, flags, sequence, port.</summary>
    public const int HeaderBytes = 16;

    /// <summary>Bytes of <c>struct genlmsghdr</c>: command, version, reserved.</summary>
    public const int GenericHeaderBytes = 4;

    /// <summary>Bytes of <c>struct nlattr</c>: length, type.</summary>
    public const int AttributeHeaderBytes = 4;

    /// <summary>Messages and attributes begin at multiples of this.</summary>
    public const int AlignmentBytes = 4;

    /// <summary>NLMSG_ERROR: an acknowledgement when its errno is 0.</summary>
    public const ushort TypeError = 2;

    /// <summary>GENL_ID_CTRL: the family that knows the families.</summary>
    public const ushort TypeControl = 0x10;

    /// <summary>NLM_F_REQUEST.</summary>
    public const ushort FlagRequest = 1;

    /// <summary>NLM_F_ACK.</summary>
    public const ushort FlagAcknowledge = 4;

    /// <summary>NLM_F_CAPPED: an error without the request's body.</summary>
    public const ushort FlagCapped = 0x100;

    /// <summary>NLM_F_ACK_TLVS: attributes follow an error.</summary>
    public const ushort FlagErrorAttributes = 0x200;

    /// <summary>NLMSGERR_ATTR_MSG: the kernel's sentence.</summary>
    public const ushort ErrorAttributeMessage = 1;

    /// <summary>NLA_TYPE_MASK: what is left of a type without the flags for nesting and byte order.</summary>
    public const ushort AttributeTypeMask = 0x3fff;

    /// <summary>NLA_F_NESTED.</summary>
    public const ushort AttributeNested = 0x8000;

    /// <summary>CTRL_CMD_GETFAMILY.</summary>
    public const byte CommandGetFamily = 3;

    /// <summary>CTRL_ATTR_FAMILY_ID, 16 bits.</summary>
    public const ushort ControlFamilyId = 1;

    /// <summary>CTRL_ATTR_FAMILY_NAME, a string.</summary>
    public const ushort ControlFamilyName = 2;

    /// <summary>CTRL_ATTR_MCAST_GROUPS: a list of lists of the two below.</summary>
    public const ushort ControlGroups = 7;

    /// <summary>CTRL_ATTR_MCAST_GRP_NAME, a string.</summary>
    public const ushort ControlGroupName = 1;

    /// <summary>CTRL_ATTR_MCAST_GRP_ID, 32 bits.</summary>
    public const ushort ControlGroupId = 2;

    /// <summary>The next multiple of <see cref="AlignmentBytes"/>.</summary>
    public static int Align(int bytes) => (bytes + AlignmentBytes - 1) & ~(AlignmentBytes - 1);
}
