using System.Runtime.InteropServices;
using System.Text;

namespace Brokkr.Testing;

/// <summary>
/// A folder as the kubelet mounts a ConfigMap or a Secret: every key is a symbolic link into a folder <c>..data</c>, which is a symbolic link itself, to a
/// folder of one version. A change swaps that link, so that all keys change in one step.
/// </summary>
/// <param name="path">Absolute path of the folder; made with the first <see cref="Put(IReadOnlyDictionary{string, byte[]})"/>.</param>
public sealed partial class MountedVolume(string path)
{
    private const string Data = "..data";

    private int _version;

    /// <summary>Absolute path of the folder.</summary>
    public string Path { get; } = path;

    /// <summary>Absolute path of a key's file.</summary>
    public string this[string key] => System.IO.Path.Combine(Path, key);

    /// <summary>Replaces all keys with texts.</summary>
    public void Put(params IEnumerable<(string Key, string Value)> entries) =>
        Put(entries.ToDictionary(static entry => entry.Key, static entry => Encoding.UTF8.GetBytes(entry.Value), StringComparer.Ordinal));

    /// <summary>Replaces all keys.</summary>
    public void Put(IReadOnlyDictionary<string, byte[]> entries)
    {
        var version = $"..version-{++_version}";
        Directory.CreateDirectory(this[version]);
        foreach (var (key, value) in entries)
        {
            File.WriteAllBytes(System.IO.Path.Combine(this[version], key), value);
        }

        var old = new DirectoryInfo(this[Data]).LinkTarget;
        File.CreateSymbolicLink(this[Data + "_tmp"], version);
        // Not File.Move: it looks at what the links lead to.
        Assert.Equal(0, rename(this[Data + "_tmp"], this[Data]));

        var keys = entries.Keys.ToHashSet(StringComparer.Ordinal);
        foreach (var link in Directory.EnumerateFiles(Path).Where(file => !keys.Contains(System.IO.Path.GetFileName(file))))
        {
            File.Delete(link);
        }

        foreach (var key in keys.Where(key => new FileInfo(this[key]).LinkTarget is null))
        {
            File.CreateSymbolicLink(this[key], System.IO.Path.Combine(Data, key));
        }

        if (old is not null)
        {
            Directory.Delete(this[old], recursive: true);
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int rename(string from, string to);
}
