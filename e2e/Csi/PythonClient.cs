using System.Diagnostics;
using CsiThin.EndToEnd.Support;

namespace CsiThin.EndToEnd.Csi;

/// <summary>
/// A gRPC client that is not ours: Debian's python3-grpcio, fed with calls as JSON. Messages come to it as descriptors, not as code.
/// </summary>
internal sealed class PythonClient : CsiClient, IDisposable
{
    private readonly Process _process;

    /// <summary>Connects to the socket when first called.</summary>
    public PythonClient(TempDirectory directory, string socketPath)
    {
        // Not "python3" by PATH: the packages are those of the system's own Python.
        var start = new ProcessStartInfo(Interpreter, [Script, WriteDescriptors(directory), socketPath])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start) ?? throw new InvalidOperationException("python3 did not start");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <inheritdoc/>
    protected override string Exchange(string question)
    {
        _process.StandardInput.WriteLine(question);
        _process.StandardInput.Flush();
        return _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the client died");
    }
}
