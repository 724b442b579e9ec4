namespace CsiThin.Driver.Attach.Netlink;

/// <summary>Numbers of the kernel's NBD family (include/uapi/linux/nbd-netlink.h).</summary>
internal static class NbdNetlinkProtocol
{
    /// <summary>The family's name.</summary>
    public const string Family = "nbd";

    /// <summary>The group that is told of dead sockets.</summary>
    public const string Group = "nbd_mc_group";

    /// <summary>The family's version.</summary>
    public const byte Version = 1;

    /// <summary>NBD_CMD_*.</summary>
    public const byte CommandConnect = 1, CommandDisconnect = 2, CommandReconfigure = 3, CommandLinkDead = 4, CommandStatus = 5;

    /// <summary>NBD_ATTR_INDEX, 32 bits: the N of /dev/nbdN.</summary>
    public const ushort Index = 1;

    /// <summary>NBD_ATTR_SIZE_BYTES, 64 bits.</summary>
    public const ushort SizeBytes = 2;

    /// <summary>NBD_ATTR_BLOCK_SIZE_BYTES, 64 bits.</summary>
    public const ushort BlockBytes = 3;

    /// <summary>NBD_ATTR_TIMEOUT, 64 bits, in seconds; 0: a request that takes long is no reason to give up a socket.</summary>
    public const ushort Timeout = 4;

    /// <summary>NBD_ATTR_SERVER_FLAGS, 64 bits: the transmission flags of the protocol.</summary>
    public const ushort ServerFlags = 5;

    /// <summary>NBD_ATTR_CLIENT_FLAGS, 64 bits.</summary>
    public const ushort ClientFlags = 6;

    /// <summary>NBD_ATTR_SOCKETS: a list of <see cref="SocketItem"/>.</summary>
    public const ushort Sockets = 7;

    /// <summary>NBD_ATTR_DEAD_CONN_TIMEOUT, 64 bits, in seconds: how long requests wait for a new socket.</summary>
    public const ushort DeadConnectionTimeout = 8;

    /// <summary>NBD_ATTR_DEVICE_LIST: a list of <see cref="DeviceItem"/>.</summary>
    public const ushort DeviceList = 9;

    /// <summary>NBD_ATTR_BACKEND_IDENTIFIER, a string; once given, RECONFIGURE must give the same.</summary>
    public const ushort Backend = 10;

    /// <summary>NBD_SOCK_ITEM: holds one <see cref="SocketDescriptor"/>.</summary>
    public const ushort SocketItem = 1;

    /// <summary>NBD_SOCK_FD, 32 bits.</summary>
    public const ushort SocketDescriptor = 1;

    /// <summary>NBD_DEVICE_ITEM.</summary>
    public const ushort DeviceItem = 1;

    /// <summary>NBD_DEVICE_INDEX, 32 bits.</summary>
    public const ushort DeviceIndex = 1;

    /// <summary>NBD_DEVICE_CONNECTED, 8 bits.</summary>
    public const ushort DeviceConnected = 2;

    /// <summary>NBD_CFLAG_DESTROY_ON_DISCONNECT: the device goes with its last user, and its number is free again.</summary>
    public const ulong DestroyOnDisconnect = 1;
}
