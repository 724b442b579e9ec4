using System.Net;
using System.Runtime.InteropServices;
using CsiThin.EndToEnd.Kube;

namespace CsiThin.EndToEnd.Cluster;

/// <summary>
/// These tests' assembly as a program: the API server for tests, where it must be a process of its own, such as in a guest.
/// <c>dotnet CsiThin.EndToEnd.dll ADDRESS:PORT DIRECTORY NODE</c>; see <see cref="TestCluster"/> for what is in DIRECTORY. It says "ready".
/// </summary>
internal static class ApiServerProgram
{
    /// <summary>The program, for the dotnet host.</summary>
    public static string Assembly => typeof(ApiServerProgram).Assembly.Location;

    private static async Task Main(string[] arguments)
    {
        await using var server = await TestCluster.StartAsync(arguments[1], arguments[2], IPEndPoint.Parse(arguments[0]));
        var ends = new TaskCompletionSource();
        using var registration = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            ends.TrySetResult();
        });
        Console.WriteLine("ready");
        await ends.Task;
    }
}
