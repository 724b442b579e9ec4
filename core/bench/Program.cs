using System.Globalization;
using CsiThin.Core.Bench;

return args switch
{
    ["nbd-memory", var socket] => NbdMemoryServer.Run(socket, 1024),
    ["nbd-memory", var socket, var mebibytes] => NbdMemoryServer.Run(socket, int.Parse(mebibytes, CultureInfo.InvariantCulture)),
    ["nbd-pool", var socket, var path, var mebibytes] =>
        NbdPoolServer.Run(socket, path, int.Parse(mebibytes, CultureInfo.InvariantCulture)),
    ["disk", var path, var seconds] => DiskBench.Run(path, double.Parse(seconds, CultureInfo.InvariantCulture)),
    ["metadata"] => MetadataBench.Run(),
    ["queue", var path] => QueueBench.Run(path),
    ["tools", var metadata, .. var directories] => ToolsBench.Run(metadata, directories is [] ? ["/usr/sbin"] : directories),
    ["scale", var directory] => ScaleBench.Run(directory),
    ["scale", var pool, var phase, var argument] => ScaleBench.RunPhase(pool, phase, argument),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine(
        "usage: metadata | scale DIRECTORY | tools METADATA [DIR...] | disk PATH SECONDS | queue PATH | nbd-memory SOCKET [MIB] | " +
        "nbd-pool SOCKET PATH MIB");
    return 2;
}
