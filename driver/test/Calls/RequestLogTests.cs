using Csi.V1;
using CsiThin.Driver.Calls;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Xunit;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace CsiThin.Driver.Tests.Calls;

public sealed class RequestLogTests
{
    [Fact]
    public void A_request_is_one_line_with_the_fields_that_are_set()
    {
        var request = new CreateVolumeRequest
        {
            Name = "pvc-1",
            CapacityRange = new CapacityRange { RequiredBytes = 1 << 30 },
            VolumeCapabilities =
            {
                new VolumeCapability
                {
                    Mount = new VolumeCapability.Types.MountVolume { FsType = "ext4" },
                    AccessMode = new VolumeCapability.Types.AccessMode { Mode = Mode.SingleNodeWriter },
                },
            },
            Parameters = { ["pool"] = "fast" },
        };

        Assert.Equal(
            """{"name":"pvc-1","capacity_range":{"required_bytes":1073741824},"""
            + """
            "volume_capabilities":[{"mount":{"fs_type":"ext4"},"access_mode":{"mode":"SINGLE_NODE_WRITER"}}],"parameters":{"pool":"fast"}}
            """,
            RequestLog.Render(request));
    }

    [Fact]
    public void Secrets_show_only_that_they_are_there()
    {
        var request = new DeleteVolumeRequest { VolumeId = "v", Secrets = { ["user"] = "swordfish" } };

        Assert.Equal("""{"volume_id":"v","secrets":"***stripped***"}""", RequestLog.Render(request));
        Assert.Equal("""{"volume_id":"v"}""", RequestLog.Render(new DeleteVolumeRequest { VolumeId = "v" }));
    }

    [Fact]
    public void No_secret_field_of_any_csi_message_is_ever_rendered()
    {
        var secrets = 0;
        foreach (var type in CsiReflection.Descriptor.MessageTypes)
        {
            foreach (var field in type.Fields.InDeclarationOrder().Where(f => f.Name.Contains("secret", StringComparison.Ordinal)))
            {
                var message = type.Parser.ParseFrom([]);
                ((MapField<string, string>)field.Accessor.GetValue(message)).Add("key-of-secret", "swordfish");
                var line = RequestLog.Render(message);
                Assert.DoesNotContain("swordfish", line, StringComparison.Ordinal);
                Assert.DoesNotContain("key-of-secret", line, StringComparison.Ordinal);
                secrets++;
            }
        }

        Assert.Equal(19, secrets);
    }

    [Fact]
    public void Secrets_are_found_at_any_depth()
    {
        var vault = new Vault { Password = "swordfish", Name = "n" };
        var house = new House { Vaults = { vault }, ByKey = { ["k"] = vault }, Main = new Vault { Password = "swordfish" } };

        Assert.Equal(
            """{"vaults":[{"password":"***stripped***","name":"n"}],"by_key":{"k":{"password":"***stripped***","name":"n"}},"""
            + """
            "main":{"password":"***stripped***"}}
            """,
            RequestLog.Render(house));
    }

    [Fact]
    public void Bytes_are_counted_and_numbers_that_json_has_not_are_quoted()
    {
        var vault = new Vault { Seal = ByteString.CopyFromUtf8("seal"), Weight = double.NaN };

        Assert.Equal("""{"seal":"4 bytes","weight":"NaN"}""", RequestLog.Render(vault));
        Assert.Equal("""{"weight":1.5}""", RequestLog.Render(new Vault { Weight = 1.5 }));
    }

    [Fact]
    public void What_a_client_sends_cannot_forge_a_line()
    {
        var line = RequestLog.Render(new CreateVolumeRequest { Name = "a\nERROR forged\u0000\u001b[31m\"}" });

        Assert.DoesNotContain(line, char.IsControl);
        Assert.StartsWith("{\"name\":\"a\\nERROR", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Long_texts_and_long_lists_are_cut()
    {
        var request = new CreateVolumeRequest { Name = new string('x', 100_000) };
        request.MutableParameters.Add(Enumerable.Range(0, 1000).ToDictionary(i => $"k{i}", _ => "v"));
        var group = new CreateVolumeGroupSnapshotRequest { SourceVolumeIds = { Enumerable.Repeat("id", 1000) } };

        var line = RequestLog.Render(request);

        Assert.InRange(line.Length, 256, 2000);
        Assert.Contains("(100000 characters)", line, StringComparison.Ordinal);
        Assert.Contains("936 more", line, StringComparison.Ordinal);
        Assert.Contains("936 more", RequestLog.Render(group), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrapped_values_numbers_and_unknown_enum_values_are_rendered()
    {
        Assert.Equal("""{"ready":false}""", RequestLog.Render(new ProbeResponse { Ready = false }));
        Assert.Equal(
            """{"available_capacity":5,"maximum_volume_size":0}""",
            RequestLog.Render(new GetCapacityResponse { AvailableCapacity = 5, MaximumVolumeSize = 0 }));
        Assert.Equal(
            """{"mode":"99"}""",
            RequestLog.Render(new VolumeCapability.Types.AccessMode { Mode = (Mode)99 }));
        Assert.Equal("{}", RequestLog.Render(new ProbeRequest()));
    }
}
