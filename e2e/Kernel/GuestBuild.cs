namespace CsiThin.EndToEnd.Kernel;

/// <summary>A build of User Mode Linux that guests can run.</summary>
/// <param name="Program">The kernel.</param>
/// <param name="Modules">The folder that has its modules, by the kernel's release.</param>
/// <param name="Arguments">What is said to it at every boot.</param>
internal sealed record GuestBuild(string Program, string Modules, IReadOnlyList<string> Arguments)
{
    /// <summary>The trait that says on which builds a test is to run; e2e/run-tests knows it.</summary>
    public const string Trait = "GuestKernel";

    /// <summary>On the newest and on the machine's own: what depends most on the kernel, of which users have older ones.</summary>
    public const string Both = "Both";

    private const string Fetched = "/usr/local/lib/csithin-tests/guest-kernel";

    /// <summary>The machine's own, of its Debian release.</summary>
    public static GuestBuild Installed { get; } = new("linux.uml", "/usr/lib/uml/modules", []);

    /// <summary>
    /// What <c>e2e/fetch-guest-kernel</c> has fetched, which takes a quarter of the time for a process; the machine's own without it.
    /// </summary>
    public static GuestBuild Newest { get; } = File.Exists($"{Fetched}/linux.uml")
        ? new($"{Fetched}/linux.uml", $"{Fetched}/modules", ["seccomp=auto"])
        : Installed;

    /// <summary>For whoever does not care which: the newest, or the machine's own where CSITHIN_GUEST_KERNEL says "installed".</summary>
    public static GuestBuild Chosen { get; } =
        Environment.GetEnvironmentVariable("CSITHIN_GUEST_KERNEL") == "installed" ? Installed : Newest;
}
