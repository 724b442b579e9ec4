using System.Globalization;
using CsiThin.Core.Bench;

return args switch
{
    ["nbd-memory", var socket] => NbdMemoryServer.Run(socket, 1024),
    ["nbd-memory", var socket, var mebibytes] => NbdMemoryServer.Run(socket, int.Parse(mebibytes, CultureInfo.InvariantCulture)),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: nbd-memory SOCKET [MIB]");
    return 2;
}
