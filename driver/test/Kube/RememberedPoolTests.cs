using CsiThin.Driver.Kube.Declared;
using CsiThin.Driver.Kube.Pools;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>A declaration that was a pool on this node is that pool and nothing else, whatever disks come and go.</summary>
public sealed class RememberedPoolTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("csithin-remembered-");
    private readonly FakeBlockDevices _devices = new();

    public RememberedPoolTests()
    {
        _devices.Add("/dev/nvme0n1", "nvme0n1", 1000, null);
        _devices.Add("/dev/nvme1n1", "nvme1n1", 1000, null);
    }

    private string FilePath => Path.Combine(_directory.FullName, "declared-pools.json");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void While_its_disk_is_away_no_other_becomes_the_pool_and_back_again_it_wins()
    {
        var putBack = Pulled("/dev/nvme1n1", out var uuid);
        var missing = Start(Fast);
        Assert.Equal((null, "PoolMissing"), (missing.Path, missing.Trouble?.Reason));
        Assert.StartsWith(
            $"pool {uuid:N}, last on /dev/nvme1n1, is on no device that is declared and free here: /dev/nvme0n1 is empty. ",
            missing.Trouble!.Message,
            StringComparison.Ordinal);
        Assert.Contains("run 'csi-thin pool forget fast' in the container", missing.Trouble.Message, StringComparison.Ordinal);

        putBack();
        Assert.Equal(("/dev/nvme1n1", uuid, false), Where(Start(Fast)));
        _devices.Hold("/dev/nvme0n1", Guid.NewGuid()); // both hold pools
        Assert.Equal(("/dev/nvme1n1", uuid, false), Where(Start(Fast)));
        Assert.Single(_devices.Formatted);
    }

    [Fact]
    public void A_pool_that_is_forgotten_is_made_anew()
    {
        Pulled("/dev/nvme1n1", out var uuid);
        Assert.Equal(new RememberedPool(uuid, "/dev/nvme1n1"), RememberedPools.Forget(_directory.FullName, "fast"));
        Assert.Null(RememberedPools.Forget(_directory.FullName, "fast"));
        var made = Start(Fast);
        Assert.Equal(("/dev/nvme0n1", true), (made.Path, made.IsNew));
        Assert.NotEqual(uuid, made.Uuid);
    }

    [Fact]
    public void Names_stay_with_their_pools_when_disks_change_places_and_patterns_overlap()
    {
        var (one, other) = (_devices.Hold("/dev/nvme0n1", Guid.NewGuid()), _devices.Hold("/dev/nvme1n1", Guid.NewGuid()));
        var first = Declare("first", "/dev/nvme0*");
        Assert.Equal([one, other], StartAll(first, Declare("second", "/dev/nvme1*")).Select(outcome => outcome.Uuid));
        _devices.Hold("/dev/nvme0n1", other);
        _devices.Hold("/dev/nvme1n1", one);
        var all = new[] { Declare("first", "/dev/nvme*"), Declare("second", "/dev/nvme*"), Declare("third", "/dev/nvme*") };
        var outcomes = StartAll(all);
        Assert.Equal(["/dev/nvme1n1", "/dev/nvme0n1", null], outcomes.Select(outcome => outcome.Path));
        Assert.Equal("NoDevice", outcomes[2].Trouble?.Reason);

        // With the first one's disk away, nobody else gets the name, nor the name another pool.
        _devices.Pull("/dev/nvme1n1");
        outcomes = StartAll([.. Enumerable.Reverse(all)]);
        Assert.Equal([null, "/dev/nvme0n1", null], outcomes.Select(outcome => outcome.Path));
        Assert.Equal("no device fits: /dev/nvme0n1 belongs to another declaration", outcomes[0].Trouble?.Message);
        Assert.Equal("PoolMissing", outcomes[2].Trouble?.Reason);
        Assert.Equal([null, "PoolMissing"], StartAll(all[1], first).Select(outcome => outcome.Trouble?.Reason));

        // A declaration that means its own pool's disk no more keeps it from the others all the same.
        outcomes = StartAll(Declare("third", "/dev/nvme*"), Declare("second", "/dev/nvme1*"));
        Assert.Equal([$"/dev/nvme0n1 holds pool {other:N}, which is 'second'"], outcomes[0].Refusals);
    }

    [Fact]
    public void A_declaration_that_is_renamed_keeps_its_pool_and_the_old_name_is_free()
    {
        var uuid = Start(Declare("fast", "/dev/nvme1n1")).Uuid;
        Assert.Equal(uuid, Start(Declare("quick", "/dev/nvme1n1")).Uuid);
        Assert.True(Start(Declare("fast", "/dev/nvme0n1")).IsNew);
        Assert.Equal(uuid, Start(Declare("quick", "/dev/nvme*")).Uuid);
    }

    [Fact]
    public void A_disk_that_was_copied_is_refused_with_its_copy_and_members_of_an_array_are_no_copies()
    {
        var uuid = Start(Declare("fast", "/dev/nvme1n1")).Uuid!.Value;
        _devices.Hold("/dev/nvme0n1", uuid);
        Refused(Start(Fast));
        RememberedPools.Forget(_directory.FullName, "fast");
        Refused(Start(Fast));

        // Also where the copy is another declaration's, or somebody has the one: the other must not be written in the meantime.
        Refused(StartAll(Declare("fast", "/dev/nvme0n1"), Declare("bulk", "/dev/nvme1n1"))[0]);
        _devices.Use("/dev/nvme1n1", "open in process 7 (csi-thin)");
        Refused(Start(Fast));
        _devices.Use("/dev/nvme1n1", "held by md0", isMember: true);
        Assert.Equal("/dev/nvme0n1", Start(Fast).Path);

        void Refused(DeclaredPool outcome)
        {
            Assert.Equal((null, "SeveralDevices"), (outcome.Path, outcome.Trouble?.Reason));
            Assert.Matches(
                $"^2 devices hold the same pool {uuid:N}: /dev/nvme[01]n1, /dev/nvme[01]n1; all but one are copies",
                outcome.Trouble!.Message);
        }
    }

    [Fact]
    public void A_pool_that_somebody_has_is_missing_and_said_where()
    {
        var uuid = Start(Declare("fast", "/dev/nvme1n1")).Uuid;
        _devices.Use("/dev/nvme1n1", "open in process 7 (dd)");
        var missing = Start(Fast);
        Assert.Equal("PoolMissing", missing.Trouble?.Reason);
        Assert.Contains($"{uuid:N}", missing.Trouble!.Message, StringComparison.Ordinal);
        Assert.Contains("/dev/nvme1n1 is in use: open in process 7 (dd)", missing.Trouble.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void With_the_state_lost_the_label_decides()
    {
        var uuid = Start(Declare("fast", "/dev/nvme1n1")).Uuid;
        File.Delete(FilePath);
        Assert.Equal(("/dev/nvme1n1", uuid, false), Where(Start(Fast)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"fast": null}""")]
    [InlineData("""{"fast": {"uuid": "0123", "device": "/dev/a"}}""")]
    [InlineData("""
        {"a": {"uuid": "00112233445566778899aabbccddeeff", "device": "/dev/a"},
         "b": {"uuid": "00112233445566778899aabbccddeeff", "device": "/dev/b"}}
        """)]
    public void What_cannot_be_made_out_is_set_aside_and_taken_for_nothing_only_the_next_time(string text)
    {
        File.WriteAllText(FilePath, text);
        var damaged = RememberedPools.Read(_directory.FullName);
        Assert.True(damaged.IsDamaged);
        var outcome = Assert.Single(new DeclaredPools(_devices, damaged).Resolve(
            [Declare("fast", "/dev/nvme1n1")], new Dictionary<string, string>(), makes: true));
        Assert.Equal("NotFormatted", outcome.Trouble?.Reason);
        Assert.Empty(_devices.Formatted);

        var aside = RememberedPools.SetAside(_directory.FullName);
        Assert.Equal(text, File.ReadAllText(aside));
        Assert.True(Start(Declare("fast", "/dev/nvme1n1")).IsNew);
    }

    [Fact]
    public void What_cannot_be_read_is_said()
    {
        Directory.CreateDirectory(FilePath);
        Assert.Same(RememberedPools.None, RememberedPools.Read(_directory.FullName));
        var busy = Path.Combine(_directory.FullName, "declared-pools.json.lock");
        using var other = new FileStream(busy, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        Assert.Throws<IOException>(() => RememberedPools.Forget(_directory.FullName, "fast"));
    }

    private static PoolDeclaration Fast => Declare("fast", "/dev/nvme*");

    private static PoolDeclaration Declare(string name, string path) =>
        PoolDeclaration.Of("here", new ThinPoolSpec { PoolName = name, Devices = new ThinPoolDevices { Paths = [path] } });

    private static (string? Path, Guid? Uuid, bool IsNew) Where(DeclaredPool outcome) => (outcome.Path, outcome.Uuid, outcome.IsNew);

    // As an engine does when it starts.
    private IReadOnlyList<DeclaredPool> StartAll(params PoolDeclaration[] declarations)
    {
        var outcomes = new DeclaredPools(_devices, RememberedPools.Read(_directory.FullName)).Resolve(
            declarations, new Dictionary<string, string>(), makes: true);
        RememberedPools.Keep(_directory.FullName, outcomes);
        return outcomes;
    }

    private DeclaredPool Start(PoolDeclaration declaration) => Assert.Single(StartAll(declaration));

    private Action Pulled(string path, out Guid uuid)
    {
        uuid = Start(Declare("fast", path)).Uuid!.Value;
        return _devices.Pull(path);
    }
}
